//! Tests a server that stops gracefully.

use guards::serving::serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Answers one byte with one byte.
async fn echo(mut connection: TcpStream, _stop: CancellationToken) {
    let byte = connection.read_u8().await.unwrap();
    connection.write_u8(byte).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_stopped_finishes_the_connections_it_has_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let mut server = tokio::spawn(serve(listener, stop.clone(), echo));

    // A server accepts connections in the order of their arrival. So once the server has answered
    // the last client, it has also accepted the other two.
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(TcpStream::connect(address).await.unwrap());
    }
    let mut last = TcpStream::connect(address).await.unwrap();
    last.write_u8(7).await.unwrap();
    assert_eq!(last.read_u8().await.unwrap(), 7);

    stop.cancel();
    // The server waits for the two connections, and accepts no others.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(futures_util::poll!(&mut server).is_pending());
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_u8(number as u8).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), number as u8);
    }
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_handler_can_end_early_when_the_server_is_stopped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(
        listener,
        stop.clone(),
        async |connection: TcpStream, stop: CancellationToken| {
            stop.cancelled().await; // wait until the server is stopped
            drop(connection);
        },
    ));
    stop.cancel();
    server.await.unwrap().unwrap();
    assert!(
        matches!(client.read(&mut [0]).await, Ok(0) | Err(_)),
        "the handler must have closed the connection"
    );
}

#[test]
fn cancelling_a_token_cancels_its_children_and_no_others() {
    let root = CancellationToken::new();
    let (child, sibling) = (root.child_token(), root.child_token());
    let grandchild = child.child_token();
    child.cancel();
    let cancelled = [&root, &child, &sibling, &grandchild].map(|token| token.is_cancelled());
    assert_eq!(cancelled, [false, true, false, true]);
    root.cancel();
    assert!(sibling.is_cancelled());
}
