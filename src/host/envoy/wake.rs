//! Wake-ups of a worker by itself.

use std::cell::Cell;

use super::abi::{
    OK, proxy_dequeue_shared_queue, proxy_get_shared_data, proxy_register_shared_queue,
    proxy_set_shared_data, take,
};

/// Wake-ups through a shared queue that one root of this worker listens to.
///
/// Envoy posts `on_queue_ready` to the event loop of the VM that registered
/// the queue (proxy-wasm-cpp-host, `SharedQueue::enqueue`), so that a message
/// to ourselves comes back once the loop has done what else is due. A queue
/// belongs to whoever registered its name last, in any worker; so each VM
/// takes a number of its own first.
pub fn register(root: u32) -> Option<u32> {
    thread_local! {
        static VM_NUMBER: Cell<Option<u32>> = const { Cell::new(None) };
    }
    let number = VM_NUMBER.get().or_else(take_vm_number)?;
    VM_NUMBER.set(Some(number));
    let name = format!("hopguard.wake.{number}.{root}");
    let mut id = 0;
    // SAFETY: the name and the out pointer are valid for the call.
    let status = unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), &mut id) };
    (status == OK).then_some(id)
}

/// Takes the message of a wake-up out of its queue.
pub fn acknowledge(queue: u32) {
    let (mut data, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the out pointers are valid for the call.
    let status = unsafe { proxy_dequeue_shared_queue(queue, &mut data, &mut size) };
    if status == OK {
        // SAFETY: the host just returned these.
        drop(unsafe { take(data, size) });
    }
}

/// A number that no other VM of the process has, from a shared counter.
fn take_vm_number() -> Option<u32> {
    const COUNTER: &str = "hopguard.vm_count";
    // Lost races before we do without. Workers race only while they start,
    // and one of the racers always wins.
    const TRIES: u32 = 64;
    (0..TRIES).find_map(|_| {
        let (mut data, mut size, mut cas) = (std::ptr::null_mut(), 0, 0);
        // SAFETY: the key and the out pointers are valid for the call.
        let status = unsafe {
            proxy_get_shared_data(
                COUNTER.as_ptr(),
                COUNTER.len(),
                &mut data,
                &mut size,
                &mut cas,
            )
        };
        let last = if status == OK {
            // SAFETY: the host just returned these.
            let bytes = unsafe { take(data, size) };
            <[u8; 4]>::try_from(bytes).map_or(0, u32::from_le_bytes)
        } else {
            0
        };
        let next = last.wrapping_add(1);
        let value = next.to_le_bytes();
        // SAFETY: the key and the value are valid for the call.
        let status = unsafe {
            proxy_set_shared_data(
                COUNTER.as_ptr(),
                COUNTER.len(),
                value.as_ptr(),
                value.len(),
                cas,
            )
        };
        (status == OK).then_some(next)
    })
}
