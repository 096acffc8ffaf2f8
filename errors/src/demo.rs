//! The scene without arguments: loopback services, each with its own way to fail.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use errors::{ServiceError, contain, greeting};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::print_line;

const TIME_OUT: Duration = Duration::from_secs(1);

/// Asks six services side by side and says what each failure is.
pub async fn run() -> anyhow::Result<()> {
    // Two of the tasks below panic on purpose; one line each is enough.
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or("?");
        let _ = writeln!(io::stderr(), "          (a task panicked: {said})");
    }));
    let start = Instant::now();
    let services = [
        ("healthy", serve(healthy).await?),
        ("closed", closed().await?),
        ("silent", serve(silent).await?),
        ("garbage", serve(garbage).await?),
        ("panicking", serve(panicking).await?),
    ];
    print_line("Services of this machine, asked side by side, within a second each:\n")?;

    let mut asked = Vec::new();
    for (name, address) in services {
        let question = contain(async move { greeting(&address.to_string(), TIME_OUT).await });
        asked.push((name, tokio::spawn(timed(question))));
    }
    // And one question whose own task has a bug.
    let bug = contain::<String>(async { panic!("a bug in the task that asks") });
    asked.push(("our bug", tokio::spawn(timed(bug))));

    let mut one_after_another = Duration::ZERO;
    for (name, question) in asked {
        let (result, took) = question.await?;
        one_after_another += took;
        let text = match result {
            Ok(line) => format!("greets with {line:?}"),
            // Only the kinds we have an answer to are caught; the rest stay failures.
            Err(error) if error.is_unreachable() => {
                format!("{}: the default \"unknown\" stands in", describe(error))
            }
            Err(error) => format!("failed: {}", describe(error)),
        };
        print_line(&format!("{name:<10} {:5.2} s  {text}", took.as_secs_f64()))?;
    }
    print_line(&format!(
        "\n{:.2} s together; one after another {:.2} s. No failure has hidden another.",
        start.elapsed().as_secs_f64(),
        one_after_another.as_secs_f64()
    ))?;
    Ok(())
}

/// The result of a question, and the time it took.
async fn timed<T>(question: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    (question.await, start.elapsed())
}

/// The error and its causes in one line.
fn describe(error: ServiceError) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

/// Serves on a free port, each connection in a task of its own, until the program ends. A panic in
/// one of these tasks ends that connection only.
async fn serve<F>(behave: impl Fn(TcpStream) -> F + Send + 'static) -> io::Result<SocketAddr>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream));
        }
    });
    Ok(address)
}

async fn healthy(mut stream: TcpStream) {
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Whoever asked may have hung up; that is no concern of ours.
    let _ = stream.write_all(b"220 ready when you are\r\n").await;
}

async fn silent(_stream: TcpStream) {
    std::future::pending().await
}

async fn garbage(mut stream: TcpStream) {
    let _ = stream.write_all(b"\xff\xfe\x00\n").await;
}

async fn panicking(_stream: TcpStream) {
    panic!("a bug in the service");
}

/// A port nobody listens at.
async fn closed() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").await?.local_addr()
}
