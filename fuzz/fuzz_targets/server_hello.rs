#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hopguard_fuzz::server_hello::fuzz_target(data));
