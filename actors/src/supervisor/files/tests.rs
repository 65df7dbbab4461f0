use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Mutex;
use std::time::Instant;

use super::*;

/// Keeps what the watch told: the state that a receiver would have.
#[derive(Clone, Default)]
struct Reader(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, String>,
    /// Every state there was of any file.
    history: Vec<String>,
    wholes: usize,
}

impl Actor for Reader {
    type Context = Context<Self>;
}

impl Handler<Changed<FileEvents>> for Reader {
    type Result = ();

    fn handle(&mut self, Changed(events): Changed<FileEvents>, _: &mut Self::Context) {
        let mut state = self.0.lock().unwrap();
        if events.whole {
            state.wholes += 1;
            state.files.clear();
        }
        for change in events.changes {
            if let Some(contents) = change.contents {
                let contents = contents.unwrap_or_else(|error| format!("error {:?}", error.kind()));
                state.history.push(contents.clone());
                state.files.insert(change.path, contents);
            } else {
                state.history.push("gone".into());
                state.files.remove(&change.path);
            }
        }
    }
}

struct Bench {
    folder: tempfile::TempDir,
    reader: Reader,
    _watch: Addr<FileWatch>,
}

impl Bench {
    /// Follows a folder that `prepare` fills. A rescan so rare means that what is seen is seen by the watcher.
    async fn start(roots: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let roots = roots.iter().map(|root| folder.path().join(root)).collect();
        let reader = Reader::default();
        let watch = FileWatch::new(roots, Vec::new(), reader.clone().start().recipient())
            .rescan_every(Duration::from_mins(10))
            .start();
        let bench = Self { folder, reader, _watch: watch };
        bench.until("the first listing", |state| state.wholes == 1).await;
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn until(&self, what: &str, seen: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !seen(&self.reader.0.lock().unwrap()) {
            let state = self.reader.0.lock().unwrap();
            assert!(Instant::now() < deadline, "{what} was not seen; {:?}", state.history);
            drop(state);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn holds(&self, name: &str, text: &str) {
        let path = self.path(name);
        self.until(text, |state| state.files.get(&path).is_some_and(|held| held == text)).await;
    }

    fn history(&self) -> Vec<String> {
        self.reader.0.lock().unwrap().history.clone()
    }
}

#[actix::test]
async fn files_come_change_and_go_in_folders_of_any_depth() {
    let bench = Bench::start(&["."], |folder| fs::write(folder.join("a.yaml"), "1").unwrap()).await;
    let root = bench.folder.path().join(".");
    fs::write(bench.path("a.yaml"), "2").unwrap();
    bench.until("the change", |state| state.files.get(&root.join("a.yaml")).is_some_and(|text| text == "2")).await;
    fs::create_dir_all(bench.path("deep/er")).unwrap();
    fs::write(bench.path("deep/er/b.yml"), "3").unwrap();
    bench.until("the new file", |state| state.files.contains_key(&root.join("deep/er/b.yml"))).await;
    fs::write(bench.path("deep/er/b.yml"), "4").unwrap();
    bench.until("its change", |state| state.history.iter().any(|text| text == "4")).await;
    fs::remove_dir_all(bench.path("deep")).unwrap();
    bench.until("its end", |state| state.files.len() == 1).await;
}

#[actix::test]
async fn an_editor_that_renames_a_new_file_over_the_old_one_changes_it() {
    let bench = Bench::start(&["a.yaml"], |folder| fs::write(folder.join("a.yaml"), "1").unwrap()).await;
    for text in ["2", "3", "4"] {
        fs::write(bench.path("a.yaml.swp"), text).unwrap();
        fs::rename(bench.path("a.yaml.swp"), bench.path("a.yaml")).unwrap();
        bench.holds("a.yaml", text).await;
    }
    assert_eq!(bench.history(), ["1", "2", "3", "4"]);
}

#[actix::test]
async fn a_config_map_mount_that_is_swapped_changes_its_files_together() {
    let bench = Bench::start(&["mount"], |folder| {
        fs::create_dir_all(folder.join("mount/..1")).unwrap();
        fs::write(folder.join("mount/..1/a.yaml"), "1").unwrap();
        symlink("..1", folder.join("mount/..data")).unwrap();
        symlink("..data/a.yaml", folder.join("mount/a.yaml")).unwrap();
    })
    .await;
    bench.holds("mount/a.yaml", "1").await;
    for round in 2..5 {
        let text = round.to_string();
        fs::create_dir(bench.path(&format!("mount/..{round}"))).unwrap();
        fs::write(bench.path(&format!("mount/..{round}/a.yaml")), &text).unwrap();
        symlink(format!("..{round}"), bench.path("mount/..data_tmp")).unwrap();
        fs::rename(bench.path("mount/..data_tmp"), bench.path("mount/..data")).unwrap();
        fs::remove_dir_all(bench.path(&format!("mount/..{}", round - 1))).unwrap();
        bench.holds("mount/a.yaml", &text).await;
    }
    assert_eq!(bench.history(), ["1", "2", "3", "4"], "nothing is seen twice, and nothing was ever gone");
}

#[actix::test]
async fn a_file_by_itself_may_come_later_and_a_folder_may_be_made_anew() {
    let bench = Bench::start(&["late.yaml", "folder"], |folder| {
        fs::create_dir(folder.join("folder")).unwrap();
        fs::write(folder.join("folder/a.yaml"), "1").unwrap();
    })
    .await;
    fs::write(bench.path("late.yaml"), "here").unwrap();
    bench.holds("late.yaml", "here").await;
    fs::remove_dir_all(bench.path("folder")).unwrap();
    bench.until("the folder's end", |state| state.files.len() == 1).await;
    fs::create_dir(bench.path("folder")).unwrap();
    fs::write(bench.path("folder/a.yaml"), "2").unwrap();
    bench.holds("folder/a.yaml", "2").await;
    fs::write(bench.path("folder/a.yaml"), "3").unwrap();
    bench.holds("folder/a.yaml", "3").await;
}

#[actix::test]
async fn without_events_a_rescan_finds_changes() {
    let (outside, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("target"), "1").unwrap();
    symlink(outside.path().join("target"), folder.path().join("a.yaml")).unwrap();
    let reader = Reader::default();
    let watch = FileWatch::new(vec![folder.path().into()], Vec::new(), reader.clone().start().recipient())
        .rescan_every(Duration::from_millis(50))
        .start();
    let bench = Bench { folder, reader, _watch: watch };
    bench.holds("a.yaml", "1").await;
    fs::write(outside.path().join("target"), "2").unwrap();
    bench.holds("a.yaml", "2").await;
}
