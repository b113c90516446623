//! The server: a limiter by address, and two counters.

use core::{convert::Infallible, net::IpAddr};
use std::sync::Arc;

use atomic_metrics::{RegisterError, Registry};
use event_buckets::{EventCounter, KeyedLimiter, Quota};
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Bytes, header, server, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{BURST, Failure, RATE, SECOND};

pub(crate) struct Server {
    limiter: KeyedLimiter<IpAddr>,
    pub(crate) admitted: EventCounter,
    denied: EventCounter,
    registry: Registry,
}

impl Server {
    pub(crate) fn new() -> Result<Self, Failure> {
        let registry = Registry::new();
        registry.describe("http_requests", "Requests by what became of them.", "");
        let quota = Quota::gcra(RATE, SECOND)?.with_burst(BURST)?;
        Ok(Self {
            limiter: KeyedLimiter::new(quota, 10_000)?,
            admitted: EventCounter::new(SECOND / 10, 100),
            denied: EventCounter::new(SECOND / 10, 100),
            registry,
        })
    }

    fn answer(&self, path: &str, client: IpAddr) -> Response<Full<Bytes>> {
        if path == "/metrics" {
            let text = self.metrics().expect("no other family has these names");
            let mut response = Response::new(Full::from(text));
            let text = Registry::CONTENT_TYPE;
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(text));
            return response;
        }
        match self.limiter.check(&client) {
            Ok(()) => {
                self.admitted.increment();
                Response::new(Full::from("welcome\n"))
            }
            Err(denied) => {
                self.denied.increment();
                let mut response = Response::new(Full::from(format!("{denied}\n")));
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                // Whole seconds, rounded up.
                let after = denied.retry_after().map_or(u64::MAX, |after| after.as_secs() + 1);
                response.headers_mut().insert(header::RETRY_AFTER, after.into());
                response
            }
        }
    }

    /// The counters know totals and rates; the registry shows them.
    fn metrics(&self) -> Result<String, RegisterError> {
        for (outcome, events) in [("admitted", &self.admitted), ("denied", &self.denied)] {
            let labels = || [("outcome", outcome)];
            self.registry.counter("http_requests", labels())?.raise(events.total());
            let rate = self.registry.gauge("http_requests_per_second", labels())?;
            rate.set(events.rate_interpolated(SECOND));
        }
        // Fewer than 2^32.
        let busy = u32::try_from(self.limiter.busy()).unwrap_or(u32::MAX);
        self.registry.gauge("limited_clients", [])?.set(busy.into());
        Ok(self.registry.openmetrics())
    }

    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) -> Result<(), Failure> {
        loop {
            let (stream, peer) = listener.accept().await?;
            let own = Arc::clone(&self);
            tokio::spawn(async move {
                let service = service_fn(|request: Request<_>| {
                    let response = own.answer(request.uri().path(), peer.ip());
                    async move { Ok::<_, Infallible>(response) }
                });
                // A client that goes away is none of our business.
                let io = TokioIo::new(stream);
                let _ = server::conn::http1::Builder::new().serve_connection(io, service).await;
            });
        }
    }
}
