//! The runtime of the servers and connections.
//!
//! They do not run on the caller's runtime: a test that blocks its only thread
//! (on `openssl`, say) would stop the server it talks to, and a server shared by
//! several `#[tokio::test]`s would end with the first of them.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("testbed")
            .enable_all()
            .build()
            .expect("a tokio runtime needs only threads and epoll")
    })
}

/// Runs a task until it ends or the guard is dropped.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> TaskGuard {
    TaskGuard(runtime().spawn(task))
}

/// Aborts its task when dropped.
#[derive(Debug)]
pub(crate) struct TaskGuard(JoinHandle<()>);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
