//! A task blocks its thread for a while. Do others run meanwhile?

use std::thread;

use super::{A_MOMENT, Flag, LONGER, Seen};

/// Looked at while the thread of one task is still blocked.
fn seen(has_run: &Flag) -> Seen {
    match has_run.is_set() {
        _ if thread::available_parallelism().is_ok_and(|cores| cores.get() == 1) => {
            super::NOT_TO_BE_TOLD
        }
        true => "others go on",
        false => "all others wait",
    }
    .into()
}

#[cfg(feature = "tokio")]
#[tokio::main]
pub async fn on_tokio() -> Seen {
    let flag = Flag::default();
    let ran = flag.clone();
    tokio::spawn(async { thread::sleep(3 * LONGER) });
    thread::sleep(A_MOMENT);
    tokio::spawn(async move { ran.set() });
    thread::sleep(LONGER);
    seen(&flag)
}

#[cfg(feature = "async-std")]
pub fn on_async_std() -> Seen {
    async_std::task::block_on(async {
        let flag = Flag::default();
        let ran = flag.clone();
        async_std::task::spawn(async { thread::sleep(3 * LONGER) });
        thread::sleep(A_MOMENT);
        async_std::task::spawn(async move { ran.set() });
        thread::sleep(LONGER);
        seen(&flag)
    })
}

#[cfg(feature = "smol")]
pub fn on_smol() -> Seen {
    smol::block_on(async {
        let flag = Flag::default();
        let ran = flag.clone();
        smol::spawn(async { thread::sleep(3 * LONGER) }).detach();
        thread::sleep(A_MOMENT);
        smol::spawn(async move { ran.set() }).detach();
        thread::sleep(LONGER);
        seen(&flag)
    })
}
