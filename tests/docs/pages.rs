//! The documents, and what stands in them.

use std::fs;
use std::path::{Path, PathBuf};

/// Documents: in the root and one folder below it.
pub fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_folder = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut documents = Vec::new();
    for path in in_folder(root) {
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            documents.extend(in_folder(&path));
        } else {
            documents.push(path);
        }
    }
    documents.retain(|path| path.extension().is_some_and(|e| e == "md"));
    assert!(documents.len() > 10, "{documents:?}");
    documents
}

/// Without what stands in fences of code, which links to nothing.
pub fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A block of code.
#[derive(Debug)]
pub struct Block {
    /// Where it stands: document and line.
    pub place: String,
    /// What follows the fence: a language, and marks after it.
    pub info: String,
    pub text: String,
}

impl Block {
    pub fn language(&self) -> &str {
        self.info.split_whitespace().next().unwrap_or_default()
    }

    /// Whether it says that it is a part of something, and not whole.
    pub fn is_fragment(&self) -> bool {
        self.info.split_whitespace().any(|word| word == "fragment")
    }
}

/// All blocks of code of all documents.
pub fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let mut open: Option<(usize, Block)> = None;
        for (index, line) in text.lines().enumerate() {
            let trimmed = line.trim_start();
            let indent = line.len() - trimmed.len();
            match (&mut open, trimmed.strip_prefix("```")) {
                (None, Some(info)) => {
                    let place = format!("{}:{}", document.display(), index + 1);
                    let (info, text) = (info.to_owned(), String::new());
                    open = Some((indent, Block { place, info, text }));
                }
                (None, None) => {}
                (Some(_), Some(_)) => blocks.extend(open.take().map(|(_, block)| block)),
                (Some((indent, block)), None) => {
                    block.text.push_str(line.get(*indent..).unwrap_or(trimmed));
                    block.text.push('\n');
                }
            }
        }
        assert!(open.is_none(), "{}: a block has no end", document.display());
    }
    assert!(
        blocks.len() > 30,
        "{} blocks are too few to be all",
        blocks.len()
    );
    blocks
}
