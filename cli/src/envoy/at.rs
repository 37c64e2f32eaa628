//! A place in a configuration of Envoy, as protobuf's JSON has it: fields in snake
//! or camel case, enumerations by name or number, and `Any`s.

use std::borrow::Cow;

use serde_json::Value;

/// A value and its path, as `static_resources.clusters[0].name`.
#[derive(Clone, Debug)]
pub struct At<'v> {
    pub value: &'v Value,
    pub path: String,
}

/// Envoys that wrap a message by name: what is in it, is in `value`.
const TYPED_STRUCT: &str = "TypedStruct";

impl<'v> At<'v> {
    pub const fn root(value: &'v Value) -> Self {
        Self {
            value,
            path: String::new(),
        }
    }

    /// A field that is set.
    pub fn get(&self, field: &str) -> Option<Self> {
        let value = self.value.get(field).or_else(|| {
            let camel = camel(field);
            self.value.get(camel.as_ref())
        });
        Some(Self {
            value: value.filter(|value| !value.is_null())?,
            path: join(&self.path, field),
        })
    }

    /// A field of a field, and so on.
    pub fn at(&self, fields: &[&str]) -> Option<Self> {
        fields
            .iter()
            .try_fold(self.clone(), |at, field| at.get(field))
    }

    /// The elements of a repeated field; a single value stands for a list of it.
    pub fn list(&self, field: &str) -> Vec<Self> {
        let Some(at) = self.get(field) else {
            return Vec::new();
        };
        if at.value.is_array() {
            at.elements()
        } else {
            vec![at]
        }
    }

    /// The elements of a list; none of what is no list.
    pub fn elements(&self) -> Vec<Self> {
        let elements = self.value.as_array().into_iter().flatten().enumerate();
        elements
            .map(|(index, value)| Self {
                value,
                path: format!("{}[{index}]", self.path),
            })
            .collect()
    }

    /// The fields, in the order of their names.
    pub fn entries(&self) -> Vec<(&'v str, Self)> {
        let map = self.value.as_object();
        map.into_iter()
            .flatten()
            .map(|(key, value)| {
                let path = join(&self.path, key);
                (key.as_str(), Self { value, path })
            })
            .collect()
    }

    pub fn text(&self, field: &str) -> Option<&'v str> {
        self.get(field)?.value.as_str()
    }

    pub fn is_on(&self, field: &str) -> bool {
        self.get(field)
            .is_some_and(|at| at.value == &Value::Bool(true))
    }

    /// An enumeration's value, of these in the order of their numbers.
    pub fn one_of<'n>(&self, field: &str, names: &[&'n str]) -> Option<Cow<'n, str>>
    where
        'v: 'n,
    {
        let at = self.get(field)?;
        match at.value {
            Value::String(name) => Some(Cow::Borrowed(name.as_str())),
            number => {
                let index = number.as_u64().and_then(|n| usize::try_from(n).ok());
                let name = index.and_then(|index| names.get(index).copied());
                Some(name.map_or_else(|| Cow::Owned(number.to_string()), Cow::Borrowed))
            }
        }
    }

    /// The type of an `Any` (the last part of its name's path), and what is in it.
    /// Without one, an empty name.
    pub fn any(&self, field: &str) -> Option<(String, Self)> {
        Some(self.get(field)?.unpacked())
    }

    /// The same of an `Any` itself.
    pub fn unpacked(self) -> (String, Self) {
        let name = type_name(self.text("@type").unwrap_or_default());
        if !name.ends_with(TYPED_STRUCT) {
            return (name, self);
        }
        let name = type_name(self.text("type_url").unwrap_or_default());
        let inner = self.get("value").unwrap_or(self);
        (name, inner)
    }
}

fn join(path: &str, field: &str) -> String {
    match path {
        "" => field.to_owned(),
        _ => format!("{path}.{field}"),
    }
}

fn camel(field: &str) -> Cow<'_, str> {
    if !field.contains('_') {
        return Cow::Borrowed(field);
    }
    let mut camel = String::with_capacity(field.len());
    let mut is_upper = false;
    for letter in field.chars() {
        match letter {
            '_' => is_upper = true,
            _ if std::mem::take(&mut is_upper) => camel.push(letter.to_ascii_uppercase()),
            _ => camel.push(letter),
        }
    }
    Cow::Owned(camel)
}

/// `type.googleapis.com/a.b.v3.C` is `a.b.v3.C`.
fn type_name(url: &str) -> String {
    url.rsplit('/').next().unwrap_or(url).to_owned()
}

/// Whether a type has this last name.
pub fn is_type(name: &str, last: &str) -> bool {
    name.rsplit('.').next() == Some(last)
}
