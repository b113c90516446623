//! The clients: each on an address of its own, with a load of its own.

use core::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::time::Instant;

use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, StatusCode, body::Bytes, client, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpSocket, time};

use crate::{Failure, LOAD};

/// A connection to the server.
pub(crate) struct Client(client::conn::http1::SendRequest<Empty<Bytes>>);

impl Client {
    /// From the nth loopback address, where the system has more than one.
    pub(crate) async fn connect(server: SocketAddr, nth: u8) -> Result<Self, Failure> {
        let socket = TcpSocket::new_v4()?;
        let own = if cfg!(target_os = "linux") { nth } else { 1 };
        socket.bind((Ipv4Addr::new(127, 0, 0, own), 0).into())?;
        let stream = TokioIo::new(socket.connect(server).await?);
        let (sender, connection) = client::conn::http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<(StatusCode, Bytes), Failure> {
        self.0.ready().await?;
        let request = Request::get(path).header(header::HOST, "localhost").body(Empty::new())?;
        let response = self.0.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

/// What one client sent and got.
pub(crate) struct Report {
    pub(crate) sent: u64,
    pub(crate) admitted: u64,
    pub(crate) elapsed: Duration,
}

/// Sends one request each `pause`.
pub(crate) async fn load(
    server: SocketAddr,
    nth: u8,
    pause: Duration,
) -> Result<(u8, Report), Failure> {
    let mut client = Client::connect(server, nth).await?;
    let (started, mut ticks) = (Instant::now(), time::interval(pause));
    let mut report = Report { sent: 0, admitted: 0, elapsed: Duration::ZERO };
    while started.elapsed() < LOAD {
        ticks.tick().await;
        let (status, _) = client.get("/").await?;
        report.sent += 1;
        report.admitted += u64::from(status == StatusCode::OK);
        report.elapsed = started.elapsed();
    }
    Ok((nth, report))
}
