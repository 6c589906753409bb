//! Structures of prompt and rules that go with success.
//!
//! A graph is a session: a vertex for the prompt, one for each trait of its text (the thirds of its features, and whether it
//! shows an example), and one for each rule applied. The prompt is joined to its traits and to the rules, and rules that follow
//! one another are joined as neighbours. A batch carries no texts, so sections of the prompt are seen through these traits.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use souffleur_algorithms::ParamGuard;
use souffleur_algorithms::patterns::MinSupport;
use souffleur_algorithms::subgraphs::{FrequentSubgraphs, Graphs, SubgraphPattern};
use souffleur_core::error::ComponentError;
use souffleur_core::features::PROJECT_TYPE_START;

use super::action::{Action, Resolved};
use super::judge::{Candidate, Ground, Settings, judge};
use super::limit::raised;
use super::pattern::{Blocks, Kind, Pattern, phrase};
use crate::bridge::Phases;
use crate::bridge::matched::Circumstance;

/// The columns of the text's features.
pub(crate) const TEXT: std::ops::Range<usize> = 5..PROJECT_TYPE_START;
/// Labels of the edges: the prompt has it, one rule follows the other.
const HAS: u32 = 0;
const NEXT: u32 = 1;
/// Label of the prompt; traits follow, then rules.
const PROMPT: u32 = 0;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StructureSettings {
    /// Fewest graphs with a structure.
    pub(crate) frequency: u32,
    /// Most vertices of a structure, the prompt among them.
    pub(crate) vertices_max: usize,
    /// Most frequent structures kept in memory.
    pub(crate) structures_max: u64,
    /// Most sessions that are mined, evenly taken from all; patterns are judged on all.
    pub(crate) graphs_max: usize,
    /// When a pattern counts.
    pub(crate) judge: Settings,
}

/// What was found.
pub(crate) struct Structures {
    /// The frequency that kept structures within the limit.
    pub(crate) frequency: u32,
    /// Graphs mined.
    pub(crate) graphs: usize,
    /// Frequent closed structures.
    pub(crate) closed: usize,
    /// Those of traits and rules that are more than rules alone, the most frequent first, in words with their shares.
    pub(crate) frequent: Vec<(String, f64)>,
    pub(crate) compared: usize,
    /// The surest first.
    pub(crate) found: Vec<Pattern>,
    pub(crate) blocks: Blocks,
}

/// Finds structures that go with success.
///
/// # Errors
/// The job was interrupted.
pub(crate) fn structures(
    ground: &Ground<'_>,
    settings: &StructureSettings,
    phases: &Phases<'_>,
) -> Result<Structures, ComponentError> {
    let sessions = ground.sessions;
    let all = Circumstance::all(sessions.features.view(), 0, phases.job())?;
    let of_text = |c: &Circumstance| c.column().is_some_and(|column| TEXT.contains(&column));
    let traits: Vec<Circumstance> = all.into_iter().filter(of_text).collect();
    let step = sessions.len().div_ceil(settings.graphs_max).max(1);
    let graphs = graphs(ground, &traits, step, phases)?;
    let mined = sessions.len().div_ceil(step);
    let (frequency, mut found) = frequent(&graphs, settings, mined, phases)?;
    found.sort_by_key(|one| std::cmp::Reverse(one.support));
    let mut structures = Structures {
        frequency,
        graphs: mined,
        closed: found.len(),
        frequent: Vec::new(),
        compared: 0,
        found: Vec::new(),
        blocks: Blocks { actions: Vec::new(), circumstances: traits.clone() },
    };
    let (mut candidates, mut seen) = (Vec::new(), BTreeSet::new());
    for (done, one) in found.iter().enumerate() {
        if done % 64 == 0 {
            phases.job().check()?;
        }
        let (there, paths) = parts(one, traits.len() as u32);
        // Rules that are not neighbours are associations, traits alone are no structure of prompt and rules.
        let [path] = &paths[..] else { continue };
        let joined = path.len() > 1;
        if (there.is_empty() && !joined) || !seen.insert((there.clone(), paths.clone())) {
            continue;
        }
        let circumstances: Vec<Circumstance> = there.iter().filter_map(|t| traits.get(*t as usize)).copied().collect();
        let action = if joined { Resolved::Adjacent(paths) } else { Resolved::Together(paths.concat()) };
        let named = action.named(sessions);
        structures.frequent.push((phrase(&circumstances, &named), f64::from(one.support) / mined.max(1) as f64));
        if matches!(named, Action::Adjacent { .. }) && !structures.blocks.actions.contains(&named) {
            structures.blocks.actions.push(named);
        }
        candidates.push(Candidate { kind: Kind::Structure, circumstances, action });
    }
    let judged = judge(ground, settings.judge, &candidates, &[], phases)?;
    structures.compared = judged.compared;
    structures.found = judged.found.into_iter().map(|known| known.pattern).collect();
    Ok(structures)
}

/// One graph for each session that is mined.
fn graphs(
    ground: &Ground<'_>,
    traits: &[Circumstance],
    step: usize,
    phases: &Phases<'_>,
) -> Result<Graphs, ComponentError> {
    let sessions = ground.sessions;
    let first_rule = 1 + traits.len() as u32;
    let mut all = Vec::with_capacity(sessions.len().div_ceil(step));
    for (done, i) in (0..sessions.len()).step_by(step).enumerate() {
        if done % 4096 == 0 {
            phases.job().check()?;
        }
        let mut vertices = vec![PROMPT];
        vertices.extend((1..).zip(traits).filter(|(_, t)| t.holds(sessions.row(i), -1)).map(|(label, _)| label));
        let rules = vertices.len() as u32;
        vertices.extend(sessions.applied(i).own.iter().map(|rule| first_rule + rule));
        let end = vertices.len() as u32;
        let mut edges: Vec<[u32; 3]> = (1..end).map(|vertex| [0, vertex, HAS]).collect();
        edges.extend((rules + 1..end).map(|vertex| [vertex - 1, vertex, NEXT]));
        all.push((vertices, edges));
    }
    Graphs::from_graphs(all, &phases.watch()).map_err(|e| phases.failed(&e))
}

/// Frequent closed subgraphs, and the frequency that keeps them within the limit.
fn frequent(
    graphs: &Graphs,
    settings: &StructureSettings,
    mined: usize,
    phases: &Phases<'_>,
) -> Result<(u32, Vec<SubgraphPattern>), ComponentError> {
    let highest = (mined as f64).max(f64::from(settings.frequency));
    let (frequency, found) = raised(f64::from(settings.frequency), highest, |frequency| {
        let params = FrequentSubgraphs::params(MinSupport::Rows(frequency.ceil() as u32))
            .closed(true)
            .max_vertices(settings.vertices_max)
            .max_patterns(settings.structures_max);
        let params = params.check().map_err(|e| phases.failed(&e))?;
        let mut found = Vec::new();
        let keep = |one: souffleur_algorithms::subgraphs::Subgraph<'_>, support: u32| {
            let (vertex_labels, edges) = (one.vertex_labels.to_vec(), one.edges.to_vec());
            found.push(SubgraphPattern { vertex_labels, edges, support });
            ControlFlow::Continue(())
        };
        let mined = params.mine(graphs, &phases.watch(), keep).map_err(|e| phases.failed(&e))?;
        Ok::<_, ComponentError>((mined.complete, found))
    })?;
    Ok((frequency.ceil() as u32, found))
}

/// The traits of a structure, and its rules as paths of neighbours, each in the lesser of its two directions.
fn parts(one: &SubgraphPattern, traits: u32) -> (Vec<u32>, Vec<Vec<u32>>) {
    let trait_of = |label: &u32| (PROMPT + 1..=traits).contains(label).then(|| label - 1);
    let mut there: Vec<u32> = one.vertex_labels.iter().filter_map(trait_of).collect();
    there.sort_unstable();
    let neighbours = |vertex: usize| {
        let next = one.edges.iter().filter(|[_, _, label]| *label == NEXT);
        next.filter_map(move |[a, b, _]| match (*a as usize == vertex, *b as usize == vertex) {
            (true, _) => Some(*b as usize),
            (_, true) => Some(*a as usize),
            _ => None,
        })
    };
    let mut taken = vec![false; one.vertex_labels.len()];
    let mut paths = Vec::new();
    for start in 0..one.vertex_labels.len() {
        // A path is walked from an end.
        if one.vertex_labels[start] <= traits || taken[start] || neighbours(start).count() > 1 {
            continue;
        }
        let (mut path, mut at) = (Vec::new(), Some(start));
        while let Some(vertex) = at {
            taken[vertex] = true;
            path.push(one.vertex_labels[vertex] - traits - 1);
            at = neighbours(vertex).find(|next| !taken[*next]);
        }
        let back: Vec<u32> = path.iter().rev().copied().collect();
        paths.push(path.min(back));
    }
    paths.sort_unstable();
    (there, paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_is_its_traits_and_the_paths_of_its_rules() {
        // Two traits; rules 0 to 2 have the labels 3 to 5. Rules 2, 0, 1 follow one another, rule 2 stands alone as well.
        let one = SubgraphPattern {
            vertex_labels: vec![0, 2, 3, 5, 4, 5],
            edges: vec![[0, 1, HAS], [0, 2, HAS], [2, 3, NEXT], [2, 4, NEXT], [0, 5, HAS]],
            support: 3,
        };
        assert_eq!(parts(&one, 2), (vec![1], vec![vec![1, 0, 2], vec![2]]));
    }
}
