//! The router under `axum::serve`, which need not tell where requests come from.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use sse_serve::{Config, EventStreamRequest, Hub, HubConfig, Publication, WhenFull};
use testing::PATIENCE;
use tokio::net::TcpListener;

struct Served {
    url: String,
    client: reqwest::Client,
}

impl Served {
    async fn new(app: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .read_timeout(PATIENCE)
            .build()
            .unwrap();
        Self { url, client }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.url);
        self.client.get(url).send().await.unwrap()
    }
}

async fn until(response: &mut reqwest::Response, text: &str) {
    let mut seen = String::new();
    while !seen.contains(text) {
        let chunk = response.chunk().await.unwrap().expect("the stream ended");
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test]
async fn all_endpoints_serve_below_a_path_without_knowing_the_peer() {
    let hub = Hub::new(HubConfig::default());
    let sse = sse_serve::router(hub.clone(), &Config::default()).unwrap();
    let served = Served::new(Router::new().nest("/sse", sse)).await;
    let mut stream = served.get("/sse/events?topic=a").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    until(&mut stream, "event: connected").await;
    assert_eq!(hub.connections(), 1);
    let event = Publication::new("by the program").with_topic("a").unwrap();
    hub.publish(&[event]).await.unwrap();
    until(&mut stream, "data: by the program\n\n").await;
    let url = format!("{}/sse/trigger", served.url);
    let body = r#"{"topic":"a","data":"over HTTP"}"#;
    let answer = served.client.post(url).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    until(&mut stream, "data: over HTTP\n\n").await;
    assert_eq!(served.get("/sse/health").await.status(), 200);
    // Nobody is known to be on this machine.
    assert_eq!(served.get("/sse/connections").await.status(), 403);
    assert_eq!(served.get("/sse/nowhere").await.status(), 404);
}

#[tokio::test]
async fn a_handler_of_the_program_opens_a_stream_within_its_bounds() {
    async fn watch(State(hub): State<Hub>, request: EventStreamRequest) -> Response {
        assert_eq!(request.topics(), ["b", "c"]);
        assert_eq!(request.session(), Some("me"));
        let request = request.with_topics(["a"]).with_event_types(["x"]);
        request.when_full(WhenFull::Retry).open(&hub)
    }
    let hub = Hub::new(HubConfig {
        max_connections: 1,
        ..HubConfig::default()
    });
    let app = Router::new().route("/", get(watch)).with_state(hub.clone());
    let served = Served::new(app).await;
    let query = "/?topic=b&topic=c&session=me";
    let url = format!("{}{query}", served.url);
    let head = served.client.head(&url).send().await.unwrap();
    assert_eq!((head.status().as_u16(), hub.connections()), (200, 0));
    let html = served.client.get(&url).header("accept", "text/html");
    assert_eq!(html.send().await.unwrap().status(), 406);
    let malformed = served.get("/?last=many").await;
    assert_eq!(malformed.status(), 400);

    let mut stream = served.get(query).await;
    until(&mut stream, "event: connected").await;
    let full = served.get(query).await;
    assert_eq!(full.status(), 200);
    assert!(full.text().await.unwrap().starts_with("retry: "));
    let event = |topic: &str, name: &str| {
        let event = Publication::new(format!("{topic} {name}")).with_topic(topic);
        event.unwrap().with_type(name).unwrap()
    };
    let events = [event("b", "x"), event("a", "y"), event("a", "x")];
    let ids = hub.publish(&events).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("data: a x\n\n") {
        let chunk = stream.chunk().await.unwrap().unwrap();
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(seen, format!("id: {}\nevent: x\ndata: a x\n\n", ids[2]));
}

#[tokio::test]
async fn a_stream_of_the_program_ends_when_it_says() {
    async fn watch(State(hub): State<Hub>, request: EventStreamRequest) -> Response {
        request.until(std::time::Instant::now()).open(&hub)
    }
    let hub = Hub::new(HubConfig::default());
    let served = Served::new(Router::new().route("/", get(watch)).with_state(hub)).await;
    let text = served.get("/").await.text().await.unwrap();
    assert!(text.ends_with(":the credential has expired\n\n"), "{text}");
}

#[tokio::test]
async fn a_configuration_that_cannot_be_is_refused() {
    let mut config = Config::default();
    config.path = "no slash".to_owned();
    let hub = Hub::new(HubConfig::default());
    let refused = sse_serve::router(hub, &config).unwrap_err();
    assert!(refused.to_string().contains("--path"), "{refused}");
}
