//! A TCP echo on loopback, with a pool of buffers and without.
//!
//! Each message is read into a buffer, shown to an auditor that shares it, and sent back. With the
//! pool the buffer comes from there, and returns when both are done with it; without it, each
//! message allocates one, which is zeroed, as a buffer is that safe code reads into. The better time of
//! some rounds counts, both ways in turn. Runs for some seconds, and ends by itself.
//!
//! ```console
//! $ cargo run --release -p refpool --example echo
//! ```

use core::{net::Ipv4Addr, ops::Deref, time::Duration};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Instant,
};

use refpool::{Handle, Owned, Pool};

/// Clients at once, each of which sends so many messages of so many bytes.
const CLIENTS: usize = 2;
const MESSAGES: usize = 5_000;
const SIZE: usize = 64 * 1024;
/// Each way is measured so many times, in turn.
const ROUNDS: usize = 3;

/// What an echo gets its buffers from.
trait Buffers: Clone + Send + 'static {
    /// A buffer that is shared once it is filled.
    type Buffer: Deref<Target = Box<[u8]>> + Clone;

    /// A buffer, filled by `fill`.
    fn filled(&self, fill: impl FnOnce(&mut [u8]) -> io::Result<()>) -> io::Result<Self::Buffer>;
}

/// With the pool.
#[derive(Clone)]
struct Pooled(Pool<Box<[u8]>>);

impl Buffers for Pooled {
    type Buffer = Owned<Box<[u8]>>;

    fn filled(&self, fill: impl FnOnce(&mut [u8]) -> io::Result<()>) -> io::Result<Self::Buffer> {
        let mut buffer = self.0.acquire();
        fill(Handle::get_mut(&mut buffer).expect("it was just acquired"))?;
        Ok(Handle::into_owned(buffer))
    }
}

/// Without it: an allocation for each message.
#[derive(Clone)]
struct Allocated;

impl Buffers for Allocated {
    type Buffer = Arc<Box<[u8]>>;

    fn filled(&self, fill: impl FnOnce(&mut [u8]) -> io::Result<()>) -> io::Result<Self::Buffer> {
        let mut buffer = Arc::new(vec![0; SIZE].into_boxed_slice());
        fill(Arc::get_mut(&mut buffer).expect("it was just made"))?;
        Ok(buffer)
    }
}

/// Answers each message of one client, and returns the auditor's sum of all first bytes.
fn serve(mut stream: TcpStream, buffers: &impl Buffers) -> io::Result<u64> {
    let mut audited = 0;
    for _ in 0..MESSAGES {
        let buffer = buffers.filled(|bytes| stream.read_exact(bytes))?;
        let shared = buffer.clone();
        audited += u64::from(shared[0]);
        stream.write_all(&buffer)?;
    }
    Ok(audited)
}

/// Sends messages, and sees that each comes back as it went.
fn call(port: u16, client: usize) -> io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let mut returning = stream.try_clone()?;
    let mark = u8::try_from(client + 1).unwrap_or(u8::MAX);
    let sending = thread::spawn(move || {
        let message = vec![mark; SIZE];
        (0..MESSAGES).try_for_each(|_| stream.write_all(&message))
    });
    let (mut message, mut intact) = (vec![0; SIZE], true);
    for _ in 0..MESSAGES {
        returning.read_exact(&mut message)?;
        intact &= message[0] == mark && message[SIZE - 1] == mark;
    }
    sending.join().expect("the sender does not panic")?;
    Ok(intact)
}

/// All clients' messages there and back; the time, or what went wrong.
fn echo(buffers: &impl Buffers) -> io::Result<Duration> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let started = Instant::now();
    let clients: Vec<_> =
        (0..CLIENTS).map(|client| thread::spawn(move || call(port, client))).collect();
    let servers: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (stream, _) = listener.accept()?;
            let buffers = buffers.clone();
            Ok(thread::spawn(move || serve(stream, &buffers)))
        })
        .collect::<io::Result<_>>()?;
    let mut intact = true;
    for client in clients {
        intact &= client.join().expect("a client does not panic")?;
    }
    let mut audited = 0;
    for server in servers {
        audited += server.join().expect("a server does not panic")?;
    }
    let expected = (1..=CLIENTS).map(|mark| mark * MESSAGES).sum::<usize>() as u64;
    assert!(intact && audited == expected, "a message was lost or mixed up");
    Ok(started.elapsed())
}

fn main() -> io::Result<()> {
    let make = || vec![0; SIZE].into_boxed_slice();
    let pooled = Pooled(Pool::builder(2 * CLIENTS, make).on_demand().build());
    let (mut with, mut without) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        with = with.min(echo(&pooled)?);
        without = without.min(echo(&Allocated)?);
    }
    let kibibytes = u32::try_from(2 * CLIENTS * MESSAGES * SIZE / 1024).unwrap_or(u32::MAX);
    let megabytes = f64::from(kibibytes) * 1.024e-3;
    let tell = |what: &str, time: Duration| {
        let speed = megabytes / time.as_secs_f64();
        println!("{what:<12} {:>8.1} ms {speed:>8.0} MB/s", time.as_secs_f64() * 1e3);
    };
    println!("{CLIENTS} clients, {MESSAGES} messages of {SIZE} bytes each, there and back");
    tell("pool", with);
    tell("no pool", without);
    println!("ratio        {:>8.2}x", without.as_secs_f64() / with.as_secs_f64());
    let stats = pooled.0.stats();
    println!(
        "the pool made {} buffers for {} messages, and had {} out at once at most",
        stats.created, stats.acquired, stats.high_water
    );
    assert_eq!((stats.in_use, stats.acquired), (0, (ROUNDS * CLIENTS * MESSAGES) as u64));
    Ok(())
}
