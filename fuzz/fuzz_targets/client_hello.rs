#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hopguard_fuzz::client_hello::fuzz_target(data));
