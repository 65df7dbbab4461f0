//! Before anything is measured: all three verify the backend. Who does not has an easier task.

use anyhow::ensure;

use crate::proxy::Kind;
use crate::stage::{Bench, Setting, Stage};

/// Each proxy answers 200 with the right certificate, and 5xx with one of another authority or of another name.
pub(crate) fn run(bench: &Bench) -> anyhow::Result<()> {
    eprintln!("verification of the backend's certificate");
    let mut stage = Stage::set(bench, Setting::default())?;
    let certificates = &bench.certificates;
    for (what, pair, good) in [
        ("of another authority", &certificates.stranger, false),
        ("of another name", &certificates.misnamed, false),
        ("that is right", &certificates.backend, true),
    ] {
        stage.exchange_backend(pair)?;
        for kind in Kind::ALL {
            let status = stage.proxy(kind).get("/1k")?.status;
            let expected = if good { status == 200 } else { (500..600).contains(&status) };
            ensure!(expected, "{kind} answers {status} where the backend has a certificate {what}");
            eprintln!("  {kind}: {status} with a certificate {what}");
        }
    }
    Ok(())
}
