#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hopguard_fuzz::certificate::fuzz_target(data));
