#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hopguard_fuzz::ocsp_response::fuzz_target(data));
