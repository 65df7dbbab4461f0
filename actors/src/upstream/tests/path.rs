//! The path that a chain means by its names.

use super::certificates::{Issued, authority, server};
use crate::upstream::path::{Step, path};

#[test]
fn a_path_goes_by_names_whatever_the_order_and_ends() {
    let root = authority("a root").self_signed();
    let [first, second] = ["first", "second"].map(|name| authority(name).signed_by(&root));
    let below = authority("below").signed_by(&second);
    let leaf = server().signed_by(&below);
    let stray = server().signed_by(&first);
    let chain = [&leaf, &stray, &root, &first, &below, &second].map(Issued::certificate);
    let at = |path: Vec<Step>| path.iter().map(|step| step.at).collect::<Vec<_>>();
    assert_eq!(at(path(&chain)), [0, 4, 5, 2]);
    assert_eq!(at(path(&chain[..4])), [0]);
    assert_eq!(at(path(&chain[2..])), [0], "it has signed itself");
    let junk = [vec![0].into(), root.certificate()];
    assert_eq!(at(path(&junk)), Vec::<usize>::new());
    // Two that name each other.
    let one = authority("one").signed_by(&authority("two").self_signed());
    let two = authority("two").signed_by(&one);
    assert_eq!(at(path(&[one, two].map(|issued| issued.certificate()))), [0, 1]);
}
