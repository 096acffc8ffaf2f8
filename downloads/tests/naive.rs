//! What a plain translation of the exercise does to a file when the transfer breaks off.

mod server;

use std::io;
use std::path::Path;

use downloads::{Download, download};
use tokio::io::AsyncWriteExt;

/// Writes straight to the final name, as `open(name, "wb")` in the loop would.
async fn naive_download(client: &reqwest::Client, url: &str, path: &Path) -> io::Result<()> {
    let mut response = client.get(url).send().await.map_err(io::Error::other)?;
    let mut file = tokio::fs::File::create(path).await?;
    while let Some(bytes) = response.chunk().await.map_err(io::Error::other)? {
        file.write_all(&bytes).await?;
        file.flush().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_naive_download_leaves_half_a_file_under_its_final_name() {
    let root = server::breaks_off(false).await;
    let folder = tempfile::tempdir().unwrap();
    let client = server::client();

    let naive = folder.path().join("naive");
    assert!(naive_download(&client, &root, &naive).await.is_err());
    // The error was seen this time. The next program finds a file and takes it for the whole.
    assert_eq!(std::fs::read_to_string(&naive).unwrap(), "only the beginning");

    let ours = Download { url: root, path: folder.path().join("ours") };
    assert!(download(&client, &ours, |_, _| {}).await.is_err());
    assert_eq!(server::names_in(folder.path()), ["naive"]);
}
