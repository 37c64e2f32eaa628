//! A query of PromQL, held against what Envoy shows.

use std::collections::BTreeSet;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};

use super::scrape::Scrape;

/// A query, and the labels that its legend or its annotations print.
pub struct Query {
    expr: Expr,
    printed: Vec<String>,
}

impl Query {
    /// Reads a query. `texts` are what names labels of its result: `{{cause}}` in a legend,
    /// `{{ $labels.cause }}` in annotations.
    pub fn parse(text: &str, texts: &str) -> Self {
        let text = text
            .replace("$__rate_interval", "5m")
            .replace("$__range", "1h");
        let expr = parser::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let printed = texts
            .split("{{")
            .skip(1)
            .filter_map(|rest| rest.split_once("}}"))
            .map(|(inside, _)| inside.trim())
            .filter_map(|inside| match inside.strip_prefix('$') {
                None => Some(inside),
                Some(variable) => variable.strip_prefix("labels."),
            })
            .map(str::to_owned)
            .collect();
        Self { expr, printed }
    }

    /// What it asks for and `scrape` does not have.
    pub fn wrong(&self, scrape: &Scrape) -> Vec<String> {
        let mut wrong = Vec::new();
        check(&self.expr, scrape, &mut wrong);
        let kept = kept(&self.expr, scrape);
        for label in self.printed.iter().filter(|label| !kept.contains(*label)) {
            wrong.push(format!("prints {label}, which its result does not have"));
        }
        wrong
    }

    /// The metrics that it looks at.
    pub fn metrics(&self) -> BTreeSet<String> {
        selectors(&self.expr)
            .into_iter()
            .filter_map(|s| s.name.clone())
            .collect()
    }
}

/// The parts of an expression, each.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Aggregate(aggregate) => {
            let parameter = aggregate.param.as_deref();
            std::iter::once(&*aggregate.expr).chain(parameter).collect()
        }
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Expr::Paren(paren) => vec![&paren.expr],
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::Call(call) => call.args.args.iter().map(|argument| &**argument).collect(),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_) => Vec::new(),
        Expr::Extension(_) => panic!("not PromQL"),
    }
}

fn selector(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::MatrixSelector(matrix) => Some(&matrix.vs),
        _ => None,
    }
}

/// All selectors in an expression.
fn selectors(expr: &Expr) -> Vec<&VectorSelector> {
    let below = parts(expr).into_iter().flat_map(selectors);
    selector(expr).into_iter().chain(below).collect()
}

fn check(expr: &Expr, scrape: &Scrape, wrong: &mut Vec<String>) {
    if let Some(selector) = selector(expr) {
        check_selector(selector, scrape, wrong);
    }
    let grouping = match expr {
        Expr::Aggregate(aggregate) => aggregate.modifier.as_ref(),
        Expr::Binary(binary) => binary.modifier.as_ref().and_then(|m| m.matching.as_ref()),
        _ => None,
    };
    // Each metric below must have what they are grouped or matched by.
    for label in grouping
        .map(LabelModifier::labels)
        .into_iter()
        .flat_map(|l| &l.labels)
    {
        for metric in selectors(expr).iter().filter_map(|s| s.name.as_deref()) {
            if scrape.has(metric) && !scrape.labels(metric).contains(label) {
                wrong.push(format!("{metric} has no label {label} to group by"));
            }
        }
    }
    for part in parts(expr) {
        check(part, scrape, wrong);
    }
}

fn check_selector(selector: &VectorSelector, scrape: &Scrape, wrong: &mut Vec<String>) {
    let Some(metric) = selector.name.as_deref() else {
        wrong.push(format!("{selector} names no metric"));
        return;
    };
    if !scrape.has(metric) {
        wrong.push(format!("there is no {metric}"));
        return;
    }
    let alternatives = selector.matchers.or_matchers.iter().flatten();
    for matcher in selector.matchers.matchers.iter().chain(alternatives) {
        if !scrape.labels(metric).contains(&matcher.name) {
            wrong.push(format!("{metric} has no label {}", matcher.name));
            continue;
        }
        for value in values(matcher) {
            if !scrape.may_be(metric, &matcher.name, value) {
                wrong.push(format!("{metric}: {} is never {value}", matcher.name));
            }
        }
    }
}

/// The values that a matcher names; none, where a variable of the dashboard says which.
fn values(matcher: &Matcher) -> Vec<&str> {
    let value = matcher.value.as_str();
    match matcher.op {
        _ if value.starts_with('$') => Vec::new(),
        MatchOp::Equal | MatchOp::NotEqual => vec![value],
        MatchOp::Re(_) | MatchOp::NotRe(_) => value.split('|').collect(),
    }
}

/// The labels that the result has.
fn kept(expr: &Expr, scrape: &Scrape) -> BTreeSet<String> {
    match expr {
        Expr::Aggregate(aggregate) => match &aggregate.modifier {
            Some(LabelModifier::Include(by)) => by.labels.iter().cloned().collect(),
            _ => BTreeSet::new(),
        },
        _ => {
            let own = selector(expr).and_then(|s| s.name.as_deref());
            let own = own.map(|metric| scrape.labels(metric)).unwrap_or_default();
            let below = parts(expr).into_iter().flat_map(|part| kept(part, scrape));
            own.into_iter().chain(below).collect()
        }
    }
}
