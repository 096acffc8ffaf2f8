//! A child process that never outlives us.

use std::io;
use std::process::{Child, Command, ExitStatus};

/// A child process and whatever it starts, in a process group of its own.
///
/// Ctrl-C in a terminal reaches every process of the foreground group. If a child were in ours, it
/// would die at the same moment as our handler runs, and its death could be seen first and be taken
/// for a failure. In a group of its own, a child dies only if we kill it.
///
/// Dropping it kills the group, unless the child has ended and [`try_wait`](Self::try_wait) or
/// [`wait`](Self::wait) has said so.
pub struct Group {
    child: Child,
    has_ended: bool,
}

impl Group {
    /// Starts the command.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Ok(Self { child: command.spawn()?, has_ended: false })
    }

    /// The child, for its pipes and its number. Wait for it only through the group.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The status of the child if it has ended.
    ///
    /// # Errors
    /// The system refuses to say.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.has_ended |= status.is_some();
        Ok(status)
    }

    /// Waits for the end of the child.
    ///
    /// # Errors
    /// The system refuses to say.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        self.has_ended = true;
        Ok(status)
    }

    /// Kills the child and all of its group, and waits for the end of the child.
    pub fn kill(&mut self) {
        if self.has_ended {
            // Its number may belong to somebody else by now.
            return;
        }
        #[cfg(unix)]
        {
            use nix::sys::signal::{Signal, killpg};
            let group = i32::try_from(self.child.id()).map(nix::unistd::Pid::from_raw);
            // Fails only if the group has ended already.
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
