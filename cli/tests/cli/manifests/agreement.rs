//! What is shipped is what `hopguard render` writes, and has the shipped policy.

use hopguard_testbed::pki::Authority;
use serde_json::Value;

use super::{MODULE, adapt, all, documents, each_object, policy};
use crate::crds::assert_resource;
use crate::run::{folder, run_in};

const IMAGE: &str = "oci://registry.example.com/hopguard:1.0.0";
const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What `hopguard render` writes of the shipped policy.
fn rendered(root: &Authority, arguments: &[&str]) -> Vec<Value> {
    let policy = policy(root).to_string();
    let folder = folder(&[("policy.json", policy.as_bytes())]);
    let fixed = ["render", "policy.json", "--format", "json"];
    let run = run_in(folder.path(), &[&fixed, arguments].concat(), b"");
    assert_eq!(run.code, 0, "{run:?}");
    let mut documents: Vec<Value> = serde_json::from_str(&run.out).unwrap();
    // Policies in strings may be laid out otherwise.
    documents.iter_mut().for_each(|d| adapt(d, root));
    documents
}

fn read(root: &Authority, file: &str) -> Value {
    let mut resource = documents(file).remove(0);
    adapt(&mut resource, root);
    resource
}

#[test]
fn istio_resources_are_those_that_are_rendered() {
    let root = Authority::root("Internal Root CA").issue();
    let istio = ["--for", "istio"];
    let image = ["--wasm", IMAGE, "--sha256", DIGEST];
    let shop = ["--namespace", "shop", "--selector", "app=shop"];
    let gateway = [
        "--namespace",
        "istio-system",
        "--selector",
        "istio=ingressgateway",
    ];
    let service = ["--wasm", MODULE, "--service", "payments.example.com:443"];
    for (file, role, arguments) in [
        (
            "istio/downstream.yaml",
            "downstream",
            [&gateway[..], &image].concat(),
        ),
        (
            "istio/network.yaml",
            "network",
            [&shop[..], &image].concat(),
        ),
        (
            "istio/upstream.yaml",
            "upstream",
            [&shop[..], &service].concat(),
        ),
        (
            "istio/log.yaml",
            "log",
            [&shop[..], &["--wasm", MODULE]].concat(),
        ),
    ] {
        let arguments = [&istio[..], &["--role", role], &arguments].concat();
        assert_eq!(rendered(&root, &arguments), [read(&root, file)], "{file}");
    }
    let mut extensions = documents("istio/traffic-extension.yaml");
    extensions.iter_mut().for_each(|e| adapt(e, &root));
    for (extension, role, whose) in [
        (&extensions[0], "downstream", &gateway),
        (&extensions[1], "network", &shop),
    ] {
        let arguments = [
            &istio[..],
            &["--traffic-extension", "--role", role],
            whose,
            &image,
        ];
        let rendered = rendered(&root, &arguments.concat());
        assert_eq!(rendered.iter().collect::<Vec<_>>(), [extension], "{role}");
    }
}

#[test]
fn envoy_gateway_resources_are_those_that_are_rendered() {
    let root = Authority::root("Internal Root CA").issue();
    let target = ["--namespace", "shop", "--gateway", "public"];
    let image = ["--wasm", IMAGE, "--sha256", DIGEST];
    let arguments = [&["--for", "envoy-gateway"][..], &target, &image].concat();
    let shipped = read(&root, "gateway/downstream.yaml");
    assert_eq!(rendered(&root, &arguments), [shipped]);

    // The patches of all roles are in one file there, of which each has a part.
    let all = read(&root, "gateway/patch.yaml");
    let patches = all["spec"]["jsonPatches"].as_array().unwrap();
    for (role, resource, part) in [
        ("upstream", "httproute/shop/orders/rule/0", &patches[..1]),
        ("log", "shop/public/https", &patches[1..4]),
        ("network", "shop/public/postgres", &patches[4..]),
    ] {
        let more = ["--role", role, "--resource", resource, "--wasm", MODULE];
        let arguments = [&["--for", "envoy-gateway"][..], &target, &more].concat();
        let [policy] = <[Value; 1]>::try_from(rendered(&root, &arguments)).unwrap();
        assert_resource("envoypatchpolicies.json", &policy);
        let mut shipped = all.clone();
        shipped["metadata"]["name"] = format!("hopguard-{role}").into();
        shipped["spec"]["jsonPatches"] = part.into();
        assert_eq!(policy, shipped, "{role}");
    }
    // Each resource that is named has its patches.
    let names = ["--resource", "a", "--resource", "b"];
    let arguments = [
        &["--for", "envoy-gateway", "--role", "log", "--wasm", MODULE][..],
        &target,
        &names,
    ];
    let several = rendered(&root, &arguments.concat()).remove(0);
    let patches = several["spec"]["jsonPatches"].as_array().unwrap();
    let names: Vec<&Value> = patches.iter().map(|patch| &patch["name"]).collect();
    assert_eq!(names, ["a", "a", "a", "b", "b", "b"]);
}

#[test]
fn the_policy_is_in_the_resources_as_it_is() {
    let root = Authority::root("Internal Root CA").issue();
    let policy = policy(&root);
    for (file, mut resource) in all() {
        adapt(&mut resource, &root);
        let mut count = 0;
        each_object(&resource, &mut |object| {
            let embedded = match object.get("value") {
                Some(Value::String(text)) => serde_json::from_str(text).unwrap(),
                _ if object.get("version").is_some() => object.clone(),
                _ => return,
            };
            assert_eq!(embedded, policy, "{file}");
            count += 1;
        });
        let has_one = resource["kind"].is_string() && resource["kind"] != "Telemetry";
        assert_eq!(count > 0, has_one, "{file}");
    }
}
