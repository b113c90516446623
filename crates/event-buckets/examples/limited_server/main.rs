//! An HTTP server on loopback that admits each client address so many requests a second, counts them in
//! buckets of time and shows the counts at `/metrics` as `OpenMetrics` text; and the clients that load it.
//!
//! ```console
//! $ cargo run --release -p event-buckets --example limited_server
//! ```
//!
//! It ends by itself after some seconds, and fails if a client was admitted more than allowed.

// The models have no network.
#![cfg_attr(loom, allow(unused))]

#[cfg(not(loom))]
mod clients;
#[cfg(not(loom))]
mod server;

use core::{error::Error, time::Duration};

const RATE: u32 = 50;
const BURST: u32 = 20;
const CLIENTS: u8 = 4;
const LOAD: Duration = Duration::from_secs(2);
const SECOND: Duration = Duration::from_secs(1);

type Failure = Box<dyn Error + Send + Sync>;

#[cfg(loom)]
fn main() {}

#[cfg(not(loom))]
#[tokio::main]
async fn main() -> Result<(), Failure> {
    use clients::{Client, load};
    use core::net::Ipv4Addr;
    use std::sync::Arc;

    let server = Arc::new(server::Server::new()?);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(Arc::clone(&server).serve(listener));
    println!(
        "http://{address} admits each address {RATE} requests a second and a burst of {BURST}"
    );

    let mut clients = tokio::task::JoinSet::new();
    for nth in 1..=CLIENTS {
        // The first asks for 25 a second, each further one for four times as many.
        let pause = Duration::from_millis(40) / 4_u32.pow(u32::from(nth) - 1);
        clients.spawn(load(address, nth, pause));
    }
    let mut reports = Vec::new();
    while let Some(report) = clients.join_next().await {
        reports.push(report??);
    }
    reports.sort_by_key(|(nth, _)| *nth);

    println!("{:<12} {:>8} {:>10} {:>10}", "client", "sent", "admitted", "allowed");
    let (mut total, mut kept) = (0, true);
    for (nth, report) in &reports {
        let since = report.elapsed.as_secs_f64();
        // The limiter's clock and ours read each request's time a little apart.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some hundreds"
        )]
        let allowed = u64::from(BURST) + (since * f64::from(RATE)) as u64 + 1;
        let expected = allowed.min(report.sent);
        println!("127.0.0.{nth:<4} {:>8} {:>10} {expected:>10}", report.sent, report.admitted);
        kept &= report.admitted <= expected || cfg!(not(target_os = "linux"));
        total += report.admitted;
    }
    let (_, metrics) = Client::connect(address, 1).await?.get("/metrics").await?;
    println!("\nGET /metrics\n{}", String::from_utf8_lossy(&metrics));
    if !kept || server.admitted.total() != total {
        return Err("more was admitted than is allowed, or not all of it was counted".into());
    }
    Ok(())
}
