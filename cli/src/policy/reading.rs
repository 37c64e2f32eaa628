//! From the text of a policy file to the policy that the plugin gets.

use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use hopguard::config;
use hopguard_engine::text::pem;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::PolicyFile;
use super::files::read_bounded;
use super::node::{Kind, Node, SyntaxError};
use super::places::Places;
use super::problem::{Place, Problem, Severity};

/// Reads the text of the file at `path`.
///
/// # Errors
/// The first mistake in the syntax.
pub fn read(name: &str, path: &Path, text: String) -> Result<PolicyFile, Problem> {
    let at = |line, column| Place {
        file: name.to_owned(),
        line,
        column,
    };
    if path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("json"))
    {
        // Nearly all JSON is YAML, but not all that YAML allows is JSON.
        serde_json::from_str::<IgnoredAny>(&text).map_err(|error| {
            let number = |n: usize| u64::try_from(n.max(1)).unwrap_or(u64::MAX);
            let place = at(number(error.line()), number(error.column()));
            let message = error.to_string();
            // The place is told once.
            let sentence = message.split(" at line ").next().unwrap_or(&message);
            syntax_problem(place, format!("it is no JSON: {sentence}"))
        })?;
    }
    let node = Node::parse(&text).map_err(
        |SyntaxError {
             at: location,
             message,
         }| {
            let places = Places::new(name, String::new());
            syntax_problem(places.at(location), format!("it is no YAML: {message}"))
        },
    )?;
    if matches!(node.kind, Kind::Scalar(Value::Null)) {
        return Err(syntax_problem(
            at(1, 1),
            "there is no policy in it".to_owned(),
        ));
    }
    let mut reader = Reader {
        base: path.parent().map(Path::to_path_buf).unwrap_or_default(),
        places: Places::new(name, text),
        unread: Vec::new(),
    };
    reader.places.add(String::new(), None, node.at);
    let document = reader.value(node, String::new());
    Ok(PolicyFile {
        document,
        unread: reader.unread,
        places: reader.places,
    })
}

fn syntax_problem(place: Place, message: String) -> Problem {
    Problem {
        severity: Severity::Error,
        code: "policy_invalid",
        place,
        path: String::new(),
        message,
    }
}

struct Reader {
    /// What the names of files are relative to.
    base: PathBuf,
    places: Places,
    unread: Vec<Problem>,
}

impl Reader {
    fn value(&mut self, node: Node, path: String) -> Value {
        match node.kind {
            Kind::Scalar(value) => value,
            Kind::List(nodes) => {
                let items = nodes.into_iter().enumerate().map(|(index, node)| {
                    let path = format!("{path}[{index}]");
                    self.places.add(path.clone(), None, node.at);
                    self.value(node, path)
                });
                Value::Array(items.collect())
            }
            Kind::Map(entries) => {
                if let Some(form) = Form::of(&path)
                    && let [
                        (
                            key,
                            Node {
                                kind: Kind::Scalar(Value::String(name)),
                                ..
                            },
                        ),
                    ] = entries.as_slice()
                    && key.value == "file"
                {
                    return self.file(&path, name, form);
                }
                let mut map = Map::new();
                for (key, node) in entries {
                    let path = if path.is_empty() {
                        key.value.clone()
                    } else {
                        format!("{path}.{}", key.value)
                    };
                    self.places.add(path.clone(), Some(key.referenced), node.at);
                    let value = self.value(node, path);
                    map.insert(key.value, value);
                }
                Value::Object(map)
            }
        }
    }

    /// The text of a file, which may be one object in DER.
    fn file(&mut self, path: &str, name: &str, form: Form) -> Value {
        let max = u64::try_from(config::MAX_BYTES).unwrap_or(u64::MAX);
        let file = self.base.join(name);
        let text = read_bounded(&file, max).and_then(|bytes| match bytes.first() {
            // The tag of a SEQUENCE, which certificates and CRLs are.
            Some(0x30) => Ok(form.text(&bytes)),
            _ => String::from_utf8(bytes).map_err(|_| "it is neither text nor DER".to_owned()),
        });
        match text {
            Ok(text) => {
                let name = file.display().to_string();
                self.places.read_from(path, name, text.clone());
                Value::String(text)
            }
            Err(reason) => {
                self.unread.push(Problem {
                    severity: Severity::Error,
                    code: "file_unreadable",
                    place: self.places.find(path, false),
                    path: path.to_owned(),
                    message: format!("the file {} cannot be read: {reason}", file.display()),
                });
                // Of the wrong form wherever a file may be named: the policy is
                // refused, and the rest of it is checked.
                Value::Bool(false)
            }
        }
    }
}

/// Where a file may be named.
#[derive(Debug)]
pub struct FileField {
    /// The list, from the policy on.
    pub list: &'static str,
    /// The field of its items; none where an item is the text itself.
    pub field: Option<&'static str>,
    form: Form,
}

/// How a policy has an object that is in a file.
#[derive(Clone, Copy, Debug)]
enum Form {
    Pem(&'static str),
    Base64,
}

/// All places where a file may be named.
pub const FILES: [FileField; 5] = [
    FileField::of_store("ca_certificates"),
    FileField::of_store("intermediate_certificates"),
    FileField::of_store("pinned_certificates"),
    FileField {
        list: "revocation.crls",
        field: None,
        form: Form::Pem("X509 CRL"),
    },
    FileField {
        list: "revocation.ocsp_responses",
        field: None,
        form: Form::Base64,
    },
];

impl FileField {
    const fn of_store(field: &'static str) -> Self {
        Self {
            list: "trust_stores",
            field: Some(field),
            form: Form::Pem("CERTIFICATE"),
        }
    }
}

impl Form {
    /// That of the field at a path, where a file may be named.
    fn of(path: &str) -> Option<Self> {
        let (list, rest) = path.split_once('[')?;
        let (index, field) = rest.split_once(']')?;
        if !index.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let field = match field {
            "" => None,
            _ => Some(field.strip_prefix('.')?),
        };
        let place = FILES.iter().find(|f| f.list == list && f.field == field);
        place.map(|place| place.form)
    }

    fn text(self, der: &[u8]) -> String {
        match self {
            Self::Pem(label) => pem(label, der),
            Self::Base64 => BASE64.encode(der),
        }
    }
}
