#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hopguard_fuzz::names::fuzz_target(data));
