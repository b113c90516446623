//! The server: a limiter by address, and two counters.

use core::{convert::Infallible, fmt::Write as _, net::IpAddr};
use std::sync::Arc;

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
}

impl Server {
    pub(crate) fn new() -> Result<Self, Failure> {
        let quota = Quota::gcra(RATE, SECOND)?.with_burst(BURST)?;
        Ok(Self {
            limiter: KeyedLimiter::new(quota, 10_000)?,
            admitted: EventCounter::new(SECOND / 10, 100),
            denied: EventCounter::new(SECOND / 10, 100),
        })
    }

    fn answer(&self, path: &str, client: IpAddr) -> Response<Full<Bytes>> {
        if path == "/metrics" {
            let mut response = Response::new(Full::from(self.metrics()));
            let text = "application/openmetrics-text; version=1.0.0; charset=utf-8";
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

    fn metrics(&self) -> String {
        let mut text = String::from(
            "# TYPE http_requests counter\n# HELP http_requests Requests by what became of them.\n",
        );
        let outcomes = [("admitted", &self.admitted), ("denied", &self.denied)];
        for (outcome, events) in outcomes {
            let total = events.total();
            let _ = writeln!(text, "http_requests_total{{outcome=\"{outcome}\"}} {total}");
        }
        text += "# TYPE http_requests_per_second gauge\n";
        for (outcome, events) in outcomes {
            let rate = events.rate_interpolated(SECOND);
            let _ = writeln!(text, "http_requests_per_second{{outcome=\"{outcome}\"}} {rate:.1}");
        }
        let busy = self.limiter.busy();
        let _ = write!(text, "# TYPE limited_clients gauge\nlimited_clients {busy}\n# EOF\n");
        text
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
