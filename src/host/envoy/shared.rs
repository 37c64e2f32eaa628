//! What the host has for all workers of the process.

use super::abi::{OK, proxy_get_shared_data, proxy_set_shared_data, random_get, take};
use crate::revocation::SharedData;

/// Values that all VMs of the process share that have the same `vm_id`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessData;

impl SharedData for ProcessData {
    fn get(&self, key: &str) -> Option<(Vec<u8>, u32)> {
        let (mut data, mut size, mut version) = (std::ptr::null_mut(), 0, 0);
        // SAFETY: the key and the out pointers are valid for the call.
        let status = unsafe {
            proxy_get_shared_data(key.as_ptr(), key.len(), &mut data, &mut size, &mut version)
        };
        // SAFETY: the host just returned these.
        (status == OK).then(|| (unsafe { take(data, size) }, version))
    }

    fn set(&self, key: &str, value: &[u8], version: u32) -> bool {
        // SAFETY: the key and the value are valid for the call.
        let status = unsafe {
            proxy_set_shared_data(
                key.as_ptr(),
                key.len(),
                value.as_ptr(),
                value.len(),
                version,
            )
        };
        status == OK
    }
}

/// Random octets from the host's BoringSSL (`RAND_bytes`).
pub fn random() -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    // SAFETY: the buffer is valid for the call.
    let error = unsafe { random_get(octets.as_mut_ptr(), octets.len()) };
    (error == 0).then_some(octets)
}
