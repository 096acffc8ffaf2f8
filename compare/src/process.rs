//! Starts child processes that never outlive this program.

use std::io;
use std::process::{Child, Command, ExitStatus};

/// A child process and the processes that it starts, in a separate process group.
///
/// Ctrl-C in a terminal sends a signal to every process of the foreground group. If a child were in
/// that group, the signal would kill the child while our signal handler runs. We might then notice
/// that the child has ended before we notice the signal, and report a failure. In a separate group,
/// the child does not receive the signal, and we can kill it ourselves.
///
/// Dropping the value kills the group, unless [`try_wait`](Self::try_wait) or [`wait`](Self::wait)
/// has returned the child's exit status.
pub struct Group {
    child: Child,
    has_ended: bool,
}

impl Group {
    /// Starts the command.
    ///
    /// # Errors
    /// Fails if the command cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Ok(Self { child: command.spawn()?, has_ended: false })
    }

    /// Returns the child, for access to its pipes and its process id. Don't wait for the child
    /// directly: use [`wait`](Self::wait).
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Returns the child's exit status if the child has ended.
    ///
    /// # Errors
    /// Fails if the system cannot report the status.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.has_ended |= status.is_some();
        Ok(status)
    }

    /// Waits until the child ends, and returns its exit status.
    ///
    /// # Errors
    /// Fails if the system cannot report the status.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        self.has_ended = true;
        Ok(status)
    }

    /// Kills all processes in the group, and waits until the child has ended.
    pub fn kill(&mut self) {
        if self.has_ended {
            // The system may have given the child's id to another process by now.
            return;
        }
        #[cfg(unix)]
        {
            use nix::sys::signal::{Signal, killpg};
            let group = i32::try_from(self.child.id()).map(nix::unistd::Pid::from_raw);
            // Fails only if all processes in the group have ended already.
            let _ = group.map(|group| killpg(group, Signal::SIGKILL));
        }
        let _ = self.child.kill();
        let _ = self.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
