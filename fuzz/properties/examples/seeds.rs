//! Writes the seeds of every target where `cargo fuzz` looks for them: `fuzz/corpus/TARGET/`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    for (name, _, seeds) in postern_properties::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds().into_iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), seed)?;
        }
    }
    Ok(())
}
