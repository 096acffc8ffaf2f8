//! Measures what the guards cost. Compares `with_database` and `with_transaction` with the same
//! sqlx calls, written out without a guard.
//!
//! Run with: `cargo bench -p guards --bench cost`

use std::path::Path;
use std::time::{Duration, Instant};

use guards::{finished, with_database, with_transaction};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

/// The number of pairs of runs for each kind of work. The two runs of a pair take place one right
/// after the other.
const PAIRS: usize = 5000;

async fn read(db: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(db).await
}

async fn database_unguarded(path: &Path) -> anyhow::Result<i64> {
    let mut db = SqliteConnectOptions::new().filename(path).connect().await?;
    // `with_database` also makes this query, to check whether the file is a database.
    sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(&mut db).await?;
    let count = read(&mut db).await?;
    db.close().await?;
    Ok(count)
}

async fn database_guarded(path: &Path) -> anyhow::Result<i64> {
    with_database(path, async |db| anyhow::Ok(read(db).await?)).await
}

async fn transaction_unguarded(db: &mut SqliteConnection) -> anyhow::Result<i64> {
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await?;
    let count = read(&mut transaction).await?;
    transaction.commit().await?;
    Ok(count)
}

async fn transaction_guarded(db: &mut SqliteConnection) -> anyhow::Result<i64> {
    with_transaction(db, async |db| anyhow::Ok(read(db).await?)).await
}

#[tokio::main]
async fn main() {
    tokio::spawn(measure())
        .await
        .expect("the measurement panicked")
        .expect("the measurement failed");
}

async fn measure() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("users.db");
    std::fs::File::create(&path)?;
    let mut db = SqliteConnectOptions::new().filename(&path).connect().await?;
    sqlx::raw_sql("PRAGMA journal_mode = wal; CREATE TABLE users (id, name)")
        .execute(&mut db)
        .await?;

    println!("\n| median of {PAIRS} | unguarded | guarded | guard's cost |\n|---|---|---|---|");
    let (mut unguarded, mut guarded) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // The two variants take turns going first, so that neither always benefits from a warm
        // cache.
        for turn in 0..2 {
            let start = Instant::now();
            if (pair + turn) % 2 == 0 {
                assert_eq!(database_unguarded(&path).await?, 0);
                unguarded.push(start.elapsed());
            } else {
                assert_eq!(database_guarded(&path).await?, 0);
                guarded.push(start.elapsed());
            }
        }
    }
    report("open, read, close", &unguarded, &guarded);
    let (mut unguarded, mut guarded) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        for turn in 0..2 {
            let start = Instant::now();
            if (pair + turn) % 2 == 0 {
                assert_eq!(transaction_unguarded(&mut db).await?, 0);
                unguarded.push(start.elapsed());
            } else {
                assert_eq!(transaction_guarded(&mut db).await?, 0);
                guarded.push(start.elapsed());
            }
        }
    }
    report("begin, read, commit", &unguarded, &guarded);
    db.close().await?;
    finished().await;
    Ok(())
}

/// Prints the cost of the guard, which is the median difference within a pair. A temporary slowdown
/// of the machine usually affects both runs of a pair, so it hardly changes the difference.
fn report(what: &str, unguarded: &[Duration], guarded: &[Duration]) {
    let microseconds = |times: &[Duration]| times.iter().map(|t| t.as_secs_f64() * 1e6).collect();
    let (unguarded, guarded): (Vec<f64>, Vec<f64>) =
        (microseconds(unguarded), microseconds(guarded));
    let costs =
        guarded.iter().zip(&unguarded).map(|(guarded, unguarded)| guarded - unguarded).collect();
    let [unguarded, guarded, cost] = [unguarded, guarded, costs].map(median);
    println!("| {what} | {unguarded:.1} us | {guarded:.1} us | {cost:+.1} us |");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
