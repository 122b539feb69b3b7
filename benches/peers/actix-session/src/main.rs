//! actix-session, as a subject of the benchmarks: see `benches/subjects.md`.

mod app;
#[path = "../../shared/protocol.rs"]
mod protocol;

use actix_http::HttpService;
use actix_service::{IntoServiceFactory as _, Service as _, ServiceFactory as _, map_config};
use actix_session::storage::RedisSessionStore;
use actix_web::App;
use actix_web::cookie::Key;
use actix_web::dev::AppConfig;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use self::protocol::{Command, Result, Workload, listed};

fn main() -> Result<()> {
    match Command::read()? {
        Command::List => println!("{:#}", list()),
        Command::Serve { subject, workload, url } if subject == "actix-session" => {
            actix_rt::System::new().block_on(serve(workload, &url))?;
        }
        Command::Serve { subject, .. } => return Err(format!("no subject is called {subject:?}").into()),
    }
    Ok(())
}

fn list() -> Value {
    let version = "actix-session 0.11.0, actix-web 4.18.1, redis 0.32.7";
    let note = "TtlExtensionPolicy::OnEveryRequest; the cookie is encrypted, as it is by default";
    json!([listed("actix-session", version, "redis", true, note)])
}

/// Serves until standard input ends. Prints the address first.
///
/// What `HttpServer` runs in each worker runs here in the only thread, and so does the connection to Redis.
async fn serve(workload: Workload, url: &str) -> Result<()> {
    let store = RedisSessionStore::new(url).await.map_err(|error| error.to_string())?;
    let key = Key::generate();
    let app = App::new()
        .wrap(app::sessions(store.clone(), key.clone()))
        .configure(|config| app::routes(config, store, key, workload));
    let app = map_config(app.into_factory(), |()| AppConfig::default());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let service = HttpService::build().tcp_nodelay(true).local_addr(address).finish(app).tcp();
    let service = service.new_service(()).await.map_err(|()| "the app was not built")?;
    println!("{address}");
    let mut input = tokio::io::stdin();
    loop {
        tokio::select! {
            accepted = listener.accept() => drop(actix_rt::spawn(service.call(accepted?.0))),
            _ = input.read_u8() => return Ok(()),
        }
    }
}
