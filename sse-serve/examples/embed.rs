//! A service with routes of its own, and an event stream among them.
//!
//! ```text
//! cargo run -p sse-serve --example embed
//! curl -N -H 'X-Api-Key: alice-key' http://127.0.0.1:8080/orders
//! curl -H 'X-Api-Key: alice-key' -d 'two of them' http://127.0.0.1:8080/orders/17
//! ```

use std::error::Error;
use std::net::SocketAddr;

use axum::Extension;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use http::StatusCode;
use sse_serve::{
    Config, EventStreamRequest, Hub, HubConfig, Observer, Publication, StreamEnd, StreamInfo,
};
use tokio::net::TcpListener;

/// Whom the service has found out to be asking.
#[derive(Clone)]
struct User(&'static str);

/// The service's own state, with the hub in it.
#[derive(Clone)]
struct App {
    hub: Hub,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);

    let hub = Hub::new(HubConfig::default());
    hub.observe(Presence)?;
    let app = Router::new()
        .route("/orders", get(watch))
        .route("/orders/{id}", post(place))
        .layer(middleware::from_fn(authenticate))
        .with_state(App { hub: hub.clone() })
        // All that `sse-serve hub` has, for operators: /sse/metrics, /sse/connections.
        .nest("/sse", sse_serve::router(hub.clone(), &Config::default())?);

    // An event that waits for another packet is late.
    let listener = listener.tap_io(|tcp| {
        let _ = tcp.set_nodelay(true);
    });
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async move {
        sse_serve::shutdown::signal().await;
        hub.drain();
    })
    .await?;
    Ok(())
}

/// Orders of this user, and nothing else, whatever was asked for.
async fn watch(
    State(app): State<App>,
    Extension(user): Extension<User>,
    request: EventStreamRequest,
) -> Response {
    let request = request.with_topics(["orders.*"]).with_session(user.0);
    request.open(&app.hub)
}

async fn place(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Path(id): Path<String>,
    order: String,
) -> Response {
    let event = Publication::new(order)
        .with_type("order")
        .and_then(|event| event.with_topic(&format!("orders.{id}")))
        .and_then(|event| event.with_session(user.0));
    let event = match event {
        Ok(event) => event,
        Err(problem) => return (StatusCode::BAD_REQUEST, problem.to_string()).into_response(),
    };
    match app.hub.publish(&[event]).await {
        Ok(ids) => ids.concat().into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

async fn authenticate(mut request: Request, next: Next) -> Response {
    let key = request.headers().get("x-api-key");
    let user = match key.map(http::HeaderValue::as_bytes) {
        Some(b"alice-key") => User("alice"),
        Some(b"bob-key") => User("bob"),
        _ => return StatusCode::UNAUTHORIZED.into_response(),
    };
    request.extensions_mut().insert(user);
    next.run(request).await
}

/// Says who comes and goes.
struct Presence;

impl Observer for Presence {
    fn opened(&mut self, stream: &StreamInfo) {
        println!(
            "{} is here",
            stream.session.as_deref().unwrap_or("somebody")
        );
    }

    fn closed(&mut self, stream: &StreamInfo, end: &StreamEnd) {
        let who = stream.session.as_deref().unwrap_or("somebody");
        println!(
            "{who} is gone: {}, {} events",
            end.reason.name(),
            end.events
        );
    }
}
