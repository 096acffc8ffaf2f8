//! Starts commands, and kills them together with their children.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::sleep;

use super::captured::Pipe;

/// The running commands, identified by the IDs of their process groups.
///
/// An ID belongs to a command only until the command's exit status has been collected. After that,
/// the system may give the ID to another process. So we collect the status, and send a signal, only
/// while we hold the lock.
#[derive(Debug, Default)]
pub struct Processes {
    running: Mutex<BTreeSet<u32>>,
    /// Many commands may start at the same time, but none may start while Ctrl-Z stops the others.
    may_start: RwLock<()>,
}

/// A running command. Dropping this value kills the command and its whole process group. If the
/// command has already ended, processes that it has left in the background keep running.
#[derive(Debug)]
pub struct Running {
    child: Child,
    id: u32,
    processes: Arc<Processes>,
}

impl Processes {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many commands are running.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Calls `attempt`. If the system has run out of handles or processes, calls `attempt` again,
    /// for as long as other commands are running.
    pub async fn patiently<T>(&self, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            match attempt() {
                Err(error) if is_shortage(&error) && self.count() > 0 => {
                    sleep(Duration::from_millis(20)).await;
                }
                result => return result,
            }
        }
    }

    /// Starts a command.
    pub fn start(self: &Arc<Self>, words: &[OsString]) -> io::Result<Running> {
        let program = words.first().map_or(OsStr::new(""), OsString::as_os_str);
        let _may_start = self.may_start.read().unwrap_or_else(PoisonError::into_inner);
        let child = match command(program).args(&words[1..]).spawn() {
            // This is a script without `#!`. We run it with the shell, as `execvp` does in C.
            Err(error) if is_script(&error) => {
                command(OsStr::new("/bin/sh")).arg(find(program)).args(&words[1..]).spawn()?
            }
            child => child?,
        };
        let id = child.id().expect("its status has not been collected");
        self.lock().insert(id);
        Ok(Running { child, id, processes: Arc::clone(self) })
    }

    /// Kills all commands that are still running.
    pub fn kill_all(&self) {
        #[cfg(unix)]
        self.lock().iter().for_each(|id| signal_group(*id, nix::sys::signal::Signal::SIGKILL));
    }

    /// Stops all commands and this program, as Ctrl-Z should, and continues the commands when the
    /// program is continued.
    ///
    /// Does nothing if no shell could continue the program.
    #[cfg(unix)]
    pub fn stop_and_continue(&self) {
        use nix::sys::signal::{Signal, raise};
        if is_orphaned() {
            return;
        }
        let _none_starts = self.may_start.write().unwrap_or_else(PoisonError::into_inner);
        let running = self.lock();
        running.iter().for_each(|id| signal_group(*id, Signal::SIGSTOP));
        // This returns when something, such as `fg`, continues the program.
        let _ = raise(Signal::SIGSTOP);
        running.iter().for_each(|id| signal_group(*id, Signal::SIGCONT));
    }
}

fn command(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    // The command gets its own process group, for two reasons. First, a terminal sends Ctrl-C to
    // the whole foreground group, which is ours, but the command should be able to finish. Second,
    // if we have to kill the command, we can kill its children with it.
    #[cfg(unix)]
    command.process_group(0);
    command
}

impl Running {
    /// Returns the pipes to which the command prints. Only the first call returns them; later ones
    /// return pipes that never yield a byte.
    pub fn take_pipes(&mut self) -> (Pipe<ChildStdout>, Pipe<ChildStderr>) {
        (Pipe::new(self.child.stdout.take()), Pipe::new(self.child.stderr.take()))
    }

    /// Waits until the command has ended, but not for processes that it has left in the background.
    /// Dropping the future has no effect on the command.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        let mut wait = pin!(self.child.wait());
        poll_fn(|context| {
            let mut running = self.processes.lock();
            let polled = wait.as_mut().poll(context);
            if polled.is_ready() {
                running.remove(&self.id);
            }
            polled
        })
        .await
    }

    /// Returns when the system has stopped the command because it wanted to use the terminal. Such
    /// a command would stay stopped forever, because it runs in the background, where it cannot use
    /// the terminal. We can detect this only on Linux. On other systems, the future never
    /// completes.
    pub fn wants_terminal(&self) -> impl Future<Output = ()> + use<> {
        let id = self.id;
        async move {
            // Most commands end before the first check.
            loop {
                sleep(Duration::from_millis(500)).await;
                if is_stopped_by_the_terminal(id) {
                    break;
                }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.processes.lock();
        // The ID has been removed if the command's status was collected.
        if running.remove(&self.id) {
            #[cfg(unix)]
            signal_group(self.id, nix::sys::signal::Signal::SIGKILL);
            // Elsewhere, dropping `child` kills at least the command itself.
        }
    }
}

#[cfg(target_os = "linux")]
fn is_stopped_by_the_terminal(id: u32) -> bool {
    use nix::sys::signal::Signal;
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
    use nix::unistd::Pid;
    let Ok(pid) = i32::try_from(id) else { return false };
    // Without WEXITED, this call never collects the exit status.
    let stopped = waitid(Id::Pid(Pid::from_raw(pid)), WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG);
    matches!(stopped, Ok(WaitStatus::Stopped(_, Signal::SIGTTIN | Signal::SIGTTOU)))
}

#[cfg(not(target_os = "linux"))]
fn is_stopped_by_the_terminal(_: u32) -> bool {
    false
}

/// Returns whether this program's process group is orphaned: no parent process, such as an
/// interactive shell, could resume the program if Ctrl-Z stopped it. For such a group, the system
/// itself ignores Ctrl-Z.
#[cfg(unix)]
fn is_orphaned() -> bool {
    use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid};
    let mut parent = getppid();
    while getpgid(Some(parent)) == Ok(getpgrp()) {
        // Only Linux has this file. Elsewhere, we assume that there is a shell.
        let stat = std::fs::read_to_string(format!("/proc/{parent}/stat")).unwrap_or_default();
        let above = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
        match above {
            Some(above) if above > 0 => parent = Pid::from_raw(above),
            Some(_) => return true,
            None => return false,
        }
    }
    getsid(Some(parent)) != getsid(None)
}

#[cfg(unix)]
fn signal_group(id: u32, signal: nix::sys::signal::Signal) {
    use nix::sys::signal::killpg;
    use nix::unistd::Pid;
    if let Ok(id) = i32::try_from(id) {
        // This fails if no process of the group is left.
        let _ = killpg(Pid::from_raw(id), signal);
    }
}

/// Returns whether the error means that the system has run out of handles or processes.
fn is_shortage(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use nix::errno::Errno;
        let code = error.raw_os_error().map(Errno::from_raw);
        matches!(code, Some(Errno::EMFILE | Errno::ENFILE | Errno::EAGAIN))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// Returns whether the error means that the program is a script that names no interpreter.
fn is_script(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        error.raw_os_error() == Some(nix::errno::Errno::ENOEXEC as i32)
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// Returns the path of a program. Looks the program up in `PATH`, unless its name contains a slash.
fn find(program: &OsStr) -> PathBuf {
    if program.as_encoded_bytes().contains(&b'/') {
        return program.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.into_iter().find(|path| is_executable(path)).unwrap_or_else(|| program.into())
}

fn is_executable(path: &Path) -> bool {
    #[cfg(unix)]
    let may_be_run = nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok();
    #[cfg(not(unix))]
    let may_be_run = true;
    may_be_run && path.is_file()
}
