//! The scenes without arguments: loopback services, each with its own way to fail, and the ways to deal
//! with that.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use errors::{Patience, ServiceError, Until, ask_all, greeting, greetings, hedged, retry};
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::print_line;

/// How long one attempt may take.
const TIME_OUT: Duration = Duration::from_millis(500);

/// Prints lines with the seconds since the start.
#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn scene(&self, title: &str, why: &str) -> io::Result<()> {
        print_line(&format!("\n{title}: {why}"))
    }

    fn say(&self, who: &str, result: &Result<String, ServiceError>) -> io::Result<()> {
        let text = match result {
            Ok(line) => format!("greets with {line:?}"),
            Err(error) => format!("failed: {}", describe(error)),
        };
        print_line(&format!("{:5.2} s  {who:<10} {text}", self.0.elapsed().as_secs_f64()))
    }
}

/// Plays all scenes, one after another.
pub async fn run() -> anyhow::Result<()> {
    // One of the tasks below panics on purpose; one line is enough.
    std::panic::set_hook(Box::new(|panic| {
        let said = panic.payload_as_str().unwrap_or("?");
        let _ = writeln!(io::stderr(), "         (a task panicked: {said})");
    }));
    let clock = Clock(Instant::now());
    print_line("Services of this machine, each with its own way to fail.")?;
    default(clock).await?;
    time_out(clock).await?;
    third_attempt(clock).await?;
    contained_panic(clock).await?;
    fail_fast_and_collect(clock).await?;
    hedge(clock).await?;
    Ok(())
}

async fn default(clock: Clock) -> anyhow::Result<()> {
    clock.scene("a default", "caught is what the service did, and not what we did wrong")?;
    let (_port, closed) = closed()?;
    for (who, address) in [("closed", closed.as_str()), ("misspelt", "localhost")] {
        let result = greeting(address, TIME_OUT).await;
        clock.say(who, &result)?;
        if result.is_err_and(|error| error.is_of_the_service()) {
            print_line("                    so the default stands in")?;
        }
    }
    Ok(())
}

async fn time_out(clock: Clock) -> anyhow::Result<()> {
    clock.scene(
        "a timeout",
        "without it, a service that says nothing would keep us waiting forever",
    )?;
    let silent = serve(|_, stream| silent(stream)).await?;
    clock.say("silent", &greeting(&silent, TIME_OUT / 4).await)?;
    Ok(())
}

async fn third_attempt(clock: Clock) -> anyhow::Result<()> {
    clock.scene("another try", "what may pass is asked again, after a pause left to chance")?;
    let shaky = serve(shaky).await?;
    let patience = Patience { retries: 5, ..Patience::once(TIME_OUT) };
    let result = retry(patience, async || {
        let result = greeting(&shaky, TIME_OUT).await;
        clock.say("shaky", &result).map_err(ServiceError::Broken)?;
        result
    });
    result.await?;
    Ok(())
}

async fn contained_panic(clock: Clock) -> anyhow::Result<()> {
    clock.scene("a panic", "in a task of its own it ends that task, and is one more failure")?;
    let healthy = serve(|_, stream| after(TIME_OUT / 10, stream).map(drop)).await?;
    let ask = |has_bug: bool| {
        let healthy = healthy.clone();
        async move {
            assert!(!has_bug, "a bug in the task that asks");
            greeting(&healthy, TIME_OUT).await
        }
    };
    for (who, result) in
        ["our bug", "healthy"].iter().zip(ask_all([true, false].map(ask), Until::AllEnded).await)
    {
        clock.say(who, &result)?;
    }
    Ok(())
}

async fn fail_fast_and_collect(clock: Clock) -> anyhow::Result<()> {
    let names = ["closed", "garbage", "slow", "silent"];
    let (_port, closed) = closed()?;
    let services = [
        closed,
        serve(|_, stream| garbage(stream)).await?,
        serve(|_, stream| after(TIME_OUT / 2, stream).map(drop)).await?,
        serve(|_, stream| silent(stream)).await?,
    ];
    clock.scene("one after another", "what all of the following is to be held against")?;
    let start = Instant::now();
    for (who, service) in names.iter().zip(&services) {
        clock.say(who, &greeting(service, TIME_OUT).await)?;
    }
    print_line(&format!("         took {:.2} s", start.elapsed().as_secs_f64()))?;
    for (until, title, why) in [
        (Until::AllEnded, "collect all", "side by side, and no failure hides another"),
        (Until::FirstFailure, "fail fast", "the first failure decides, and the rest is cancelled"),
        (Until::FirstAnswer, "any", "the first answer decides, and the rest is cancelled"),
    ] {
        clock.scene(title, why)?;
        let start = Instant::now();
        let results = greetings(&services, Patience::once(TIME_OUT), until).await;
        for (who, result) in names.iter().zip(&results) {
            clock.say(who, result)?;
        }
        print_line(&format!("         took {:.2} s", start.elapsed().as_secs_f64()))?;
    }
    Ok(())
}

async fn hedge(clock: Clock) -> anyhow::Result<()> {
    clock.scene("a hedge", "no answer soon? A second request, and the loser is dropped")?;
    let loser_hung_up = Arc::new(Notify::new());
    let hung_up = Arc::clone(&loser_hung_up);
    let moody = serve(move |number, stream| {
        let hung_up = Arc::clone(&hung_up);
        async move {
            if !after(TIME_OUT * u32::from(number < 3), stream).await {
                hung_up.notify_one();
            }
        }
    })
    .await?;
    clock.say("alone", &greeting(&moody, 4 * TIME_OUT).await)?;
    clock.say("hedged", &hedged(TIME_OUT / 10, || greeting(&moody, 4 * TIME_OUT)).await)?;
    // The service may notice a little later, and the program must not exit before that.
    let _ = timeout(TIME_OUT, loser_hung_up.notified()).await;
    Ok(())
}

/// The error and its causes in one line.
fn describe(error: &ServiceError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// Serves on a free port, each connection in a task of its own, until the program ends. The
/// connections are numbered from 1.
async fn serve<F>(behave: impl Fn(u32, TcpStream) -> F + Send + 'static) -> io::Result<String>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        for number in 1.. {
            let Ok((stream, _)) = listener.accept().await else { break };
            tokio::spawn(behave(number, stream));
        }
    });
    Ok(address.to_string())
}

/// Greets after a while, unless the caller has hung up by then. Returns whether it has greeted.
async fn after(time: Duration, mut stream: TcpStream) -> bool {
    let mut nothing = [0];
    tokio::select! {
        // Dropping a request closes its socket, and that ends this read.
        _ = stream.read(&mut nothing) => {
            let _ = print_line("         (a service: the caller has hung up)");
            false
        }
        () = sleep(time) => {
            let _ = stream.write_all(b"220 ready when you are\r\n").await;
            true
        }
    }
}

async fn silent(mut stream: TcpStream) {
    let _ = stream.read(&mut [0]).await;
}

async fn garbage(mut stream: TcpStream) {
    let _ = stream.write_all(b"\xff\xfe\x00\n").await;
}

/// Hangs up at once, and greets from the third time on.
async fn shaky(number: u32, mut stream: TcpStream) {
    if number >= 3 {
        let _ = stream.write_all(b"220 here I am\r\n").await;
    }
}

/// A port at which nobody listens. While the socket lives, no other program can take the port.
fn closed() -> io::Result<(TcpSocket, String)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = socket.local_addr()?.to_string();
    Ok((socket, address))
}
