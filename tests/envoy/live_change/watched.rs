//! Resources in files that Envoy watches.

use std::cell::Cell;
use std::os::unix::fs::symlink;

use hopguard_testbed::config::{Bootstrap, Cluster, HttpListener};
use serde_json::{Value, json};
use tempfile::TempDir;

/// One resource in a file. It changes as the kubelet changes a mounted ConfigMap:
/// the file is a link by way of `..data`, and a new `..data` takes the old one's
/// place at once.
pub struct Watched {
    directory: TempDir,
    version: Cell<u32>,
}

impl Watched {
    /// Without a file yet.
    pub fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            version: Cell::new(0),
        }
    }

    /// Puts a resource of this type in the place of the one before.
    pub fn put(&self, kind: &str, resource: &Value) {
        let mut resource = resource.clone();
        resource["@type"] = json!(format!("type.googleapis.com/envoy.{kind}"));
        self.put_text(&json!({ "resources": [resource] }).to_string());
    }

    /// Puts a filter's configuration, under the name of [`discovered`](Self::discovered).
    pub fn put_filter(&self, filter: &Value) {
        let extension = json!({ "name": "hopguard", "typed_config": filter["typed_config"] });
        self.put("config.core.v3.TypedExtensionConfig", &extension);
    }

    /// Puts a cluster.
    pub fn put_cluster(&self, cluster: Cluster) {
        let built = Bootstrap::new().cluster(cluster).build();
        let cluster = &built["static_resources"]["clusters"][0];
        self.put("config.cluster.v3.Cluster", cluster);
    }

    /// Puts a listener.
    pub fn put_listener(&self, listener: HttpListener) {
        let built = Bootstrap::new().http(listener).build();
        let listener = &built["static_resources"]["listeners"][0];
        self.put("config.listener.v3.Listener", listener);
    }

    /// A configuration whose clusters come from here, too.
    pub fn cds(&self, bootstrap: Bootstrap) -> Value {
        let mut bootstrap = bootstrap.build();
        bootstrap["dynamic_resources"] = json!({ "cds_config": self.source() });
        bootstrap
    }

    /// A configuration whose listeners come from here, too.
    pub fn lds(&self, bootstrap: Bootstrap) -> Value {
        let mut bootstrap = bootstrap.build();
        bootstrap["dynamic_resources"] = json!({ "lds_config": self.source() });
        bootstrap
    }

    /// Puts any text.
    pub fn put_text(&self, text: &str) {
        let version = self.version.get();
        self.version.set(version + 1);
        let root = self.directory.path();
        let data = root.join(format!("..{version}"));
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("resource.json"), text).unwrap();
        let new = root.join("..data_tmp");
        symlink(&data, &new).unwrap();
        std::fs::rename(new, root.join("..data")).unwrap();
        if version == 0 {
            symlink("..data/resource.json", root.join("resource.json")).unwrap();
        }
    }

    /// Where Envoy finds it.
    pub fn source(&self) -> Value {
        let root = self.directory.path();
        json!({
            "resource_api_version": "V3",
            "path_config_source": {
                "path": root.join("resource.json"),
                "watched_directory": { "path": root },
            },
        })
    }

    /// A filter of this type whose configuration is there.
    pub fn discovered(&self, kind: &str) -> Value {
        json!({
            "name": "hopguard",
            "config_discovery": {
                "config_source": self.source(),
                "type_urls": [format!("type.googleapis.com/envoy.{kind}")],
            },
        })
    }
}

/// The type of HTTP filters.
pub const HTTP_FILTER: &str = "extensions.filters.http.wasm.v3.Wasm";
/// The type of L4 filters.
pub const NETWORK_FILTER: &str = "extensions.filters.network.wasm.v3.Wasm";
