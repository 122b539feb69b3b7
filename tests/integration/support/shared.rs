/// Returns the URL of a server that all tests share.
pub(super) fn shared(name: &str) -> String {
    let variable = format!("CLOAKROOM_TEST_{name}_URL");
    std::env::var(&variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run tests/run, or: cargo run -p servers"))
}
