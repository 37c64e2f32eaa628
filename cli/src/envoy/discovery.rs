//! Filters that come by ECDS, and routes that come by RDS: where they work, a
//! configuration has their names only; a dump has what they are elsewhere.

use serde_json::Value;

use super::{At, is_type};

/// A filter's configuration, as it came.
struct Discovered {
    name: String,
    /// With its `@type`.
    typed_config: Value,
}

/// Puts what came by ECDS and RDS where it works.
pub fn put_discovered(document: &mut Value) {
    let discovered = discovered(document);
    if !discovered.is_empty() {
        put(document, &discovered);
    }
    let routes = routes(document);
    if !routes.is_empty() {
        put_routes(document, &routes);
    }
}

/// The route configurations that came by RDS.
fn routes(document: &Value) -> Vec<Value> {
    let parts = At::root(document).list("configs");
    let of_routes =
        |part: &&At<'_>| is_type(part.text("@type").unwrap_or_default(), "RoutesConfigDump");
    let routes = parts.iter().filter(of_routes);
    let routes = routes.flat_map(|part| part.list("dynamic_route_configs"));
    routes
        .filter_map(|one| Some(one.get("route_config")?.value.clone()))
        .collect()
}

fn put_routes(value: &mut Value, routes: &[Value]) {
    let named = At::root(value).at(&["rds", "route_config_name"]);
    if let Some(name) = named.and_then(|at| at.value.as_str().map(str::to_owned)) {
        let named = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(&name);
        if let (Some(one), Some(manager)) = (routes.iter().find(named), value.as_object_mut()) {
            manager.insert("route_config".to_owned(), one.clone());
        }
        return;
    }
    match value {
        Value::Array(list) => list.iter_mut().for_each(|v| put_routes(v, routes)),
        Value::Object(fields) => fields.values_mut().for_each(|v| put_routes(v, routes)),
        _ => {}
    }
}

fn discovered(document: &Value) -> Vec<Discovered> {
    let parts = At::root(document).list("configs");
    let of_filters =
        |part: &&At<'_>| is_type(part.text("@type").unwrap_or_default(), "EcdsConfigDump");
    let filters = parts.iter().filter(of_filters);
    let filters = filters.flat_map(|part| part.list("ecds_filters"));
    filters
        .filter_map(|one| {
            let filter = one.get("ecds_filter")?;
            Some(Discovered {
                name: filter.text("name")?.to_owned(),
                typed_config: filter.get("typed_config")?.value.clone(),
            })
        })
        .collect()
}

fn put(value: &mut Value, discovered: &[Discovered]) {
    if let Some(typed_config) = of_filter(&At::root(value), discovered)
        && let Some(filter) = value.as_object_mut()
    {
        filter.insert("typed_config".to_owned(), typed_config);
        return;
    }
    match value {
        Value::Array(list) => list.iter_mut().for_each(|v| put(v, discovered)),
        Value::Object(fields) => fields.values_mut().for_each(|v| put(v, discovered)),
        _ => {}
    }
}

/// The configuration that a filter asks for. An L4 and an HTTP filter may have one
/// name, but not one type.
fn of_filter(filter: &At<'_>, discovered: &[Discovered]) -> Option<Value> {
    let name = filter.text("name")?;
    let types = filter.get("config_discovery")?.list("type_urls");
    let is_of_type = |one: &Discovered| {
        let kind = one.typed_config.get("@type");
        types.iter().any(|known| kind == Some(known.value))
    };
    let mut fitting = discovered.iter();
    let fitting = fitting.find(|one| one.name == name && is_of_type(one))?;
    Some(fitting.typed_config.clone())
}
