//! Tells the program which version of cranelift-jit its manifest names.
fn main() {
    let manifest = std::fs::read_to_string("Cargo.toml").unwrap();
    let line = manifest.lines().find(|line| line.starts_with("cranelift-jit =")).unwrap();
    let version = line.split('"').nth(1).unwrap().trim_start_matches('=');
    println!("cargo:rustc-env=ENGINE_VERSION={version}");
    println!("cargo:rerun-if-changed=Cargo.toml");
}
