//! Wake-ups of a worker, sooner than a timer.
//!
//! Envoy's timers are no finer than the kernel's tick (libevent reads a coarse
//! clock: 4 ms where HZ is 250), and a message to a shared queue of one's own
//! comes back in the same turn of the event loop, before any socket was looked
//! at. A message to another thread and back takes some ten microseconds, and the
//! loop looks at its sockets meanwhile. So a VM of the main thread echoes: a
//! worker sends it the number of a queue, and gets a message into that queue.
//!
//! A queue belongs to whoever registered its name last. VMs take numbers: the
//! first two are the main thread's (Envoy configures a plugin there before any
//! worker) and register the echo; the others use it. Where an echo does not
//! come, the timer does.

use std::cell::Cell;

use super::abi::{
    OK, proxy_dequeue_shared_queue, proxy_enqueue_shared_queue, proxy_register_shared_queue,
    proxy_resolve_shared_queue, take,
};
use super::shared::ProcessData;
use crate::revocation::SharedData as _;

/// The name of the queue that is echoed. With the version: another module in
/// the same process has VMs of its own.
const ECHO: &str = concat!("hopguard.echo.", env!("CARGO_PKG_VERSION"));
/// VMs of the main thread: the one that is configured first, and its copy.
const MAIN_VMS: u32 = 2;

/// The queues of a root context that wants wake-ups.
#[derive(Clone, Copy, Debug)]
pub struct Wake {
    echo: u32,
    own: u32,
}

/// Whether this VM is one of the main thread's.
pub fn is_main() -> bool {
    vm_number().is_some_and(|number| number <= MAIN_VMS)
}

/// Whether this VM could take a number: the host has data that VMs share.
pub fn has_number() -> bool {
    vm_number().is_some()
}

/// Offers the echo, where this VM is one of the main thread's.
pub fn offer_echo() {
    if is_main() {
        register_queue(ECHO);
    }
}

impl Wake {
    /// Queues for this root; `None` where there is no echo to use.
    pub fn new(root: u32, vm_id: &[u8]) -> Option<Self> {
        let number = vm_number().filter(|number| *number > MAIN_VMS)?;
        let mut echo = 0;
        // SAFETY: the texts and the out pointer are valid for the call.
        let status = unsafe {
            proxy_resolve_shared_queue(
                vm_id.as_ptr(),
                vm_id.len(),
                ECHO.as_ptr(),
                ECHO.len(),
                &mut echo,
            )
        };
        let own = register_queue(&format!("hopguard.wake.{number}.{root}"))?;
        (status == OK).then_some(Self { echo, own })
    }

    /// Asks for a wake-up.
    pub fn request(self) -> bool {
        enqueue(self.echo, &self.own.to_le_bytes())
    }

    /// Whether a message in this queue is a wake-up for this root.
    pub const fn is_own(self, queue: u32) -> bool {
        self.own == queue
    }
}

/// Takes the messages out of a queue of ours.
pub fn acknowledge(queue: u32) {
    while dequeue(queue).is_some() {}
}

/// Answers whoever wrote into the echo queue.
pub fn echo(queue: u32) {
    while let Some(message) = dequeue(queue) {
        if let Ok(back) = <[u8; 4]>::try_from(message) {
            enqueue(u32::from_le_bytes(back), b"w");
        }
    }
}

fn register_queue(name: &str) -> Option<u32> {
    let mut id = 0;
    // SAFETY: the name and the out pointer are valid for the call.
    let status = unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), &mut id) };
    (status == OK).then_some(id)
}

fn enqueue(queue: u32, message: &[u8]) -> bool {
    // SAFETY: the message is valid for the call.
    let status = unsafe { proxy_enqueue_shared_queue(queue, message.as_ptr(), message.len()) };
    status == OK
}

fn dequeue(queue: u32) -> Option<Vec<u8>> {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the out pointers are valid for the call.
    let status = unsafe { proxy_dequeue_shared_queue(queue, &mut data, &mut size) };
    // SAFETY: the host just returned these.
    (status == OK).then(|| unsafe { take(data, size) })
}

/// A number that no other VM of the process has, from a shared counter.
fn vm_number() -> Option<u32> {
    thread_local! {
        static NUMBER: Cell<Option<u32>> = const { Cell::new(None) };
    }
    let number = NUMBER.get().or_else(take_vm_number);
    NUMBER.set(number);
    number
}

fn take_vm_number() -> Option<u32> {
    const COUNTER: &str = concat!("hopguard.vm_count.", env!("CARGO_PKG_VERSION"));
    // Lost races before we do without. Workers race only while they start,
    // and one of the racers always wins.
    const TRIES: u32 = 64;
    (0..TRIES).find_map(|_| {
        let (last, version) = match ProcessData.get(COUNTER) {
            Some((bytes, version)) => {
                let last = <[u8; 4]>::try_from(bytes).map_or(0, u32::from_le_bytes);
                (last, version)
            }
            None => (0, 0),
        };
        let next = last.wrapping_add(1);
        ProcessData
            .set(COUNTER, &next.to_le_bytes(), version)
            .then_some(next)
    })
}
