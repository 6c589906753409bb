//! The word lists, lower-case, separated by blanks; an underscore joins the two words of a phrase.

use super::lexicon::role;

/// Every list and the role that it gives its words.
pub(super) const LISTS: &[(u32, &str)] = &[
    (role::TECHNICAL, SOFTWARE),
    (role::TECHNICAL, LEARNING),
    (role::TECHNICAL, SCIENCE),
    (role::TECHNICAL, MEDICINE),
    (role::TECHNICAL, TECHNICAL_PHRASES),
    (role::VERB, VERBS),
    (
        role::PRELUDE,
        "please kindly then next now also finally first second third lastly so and just simply always never",
    ),
    (
        role::LEAD_IN,
        "if when given using based after before for once unless assuming suppose imagine considering in with as",
    ),
    (role::MODAL, "can could would will"),
    (role::YOU, "you"),
    (
        role::SUBORDINATOR,
        "that which who whom whose where when while because although though if unless until since whereas \
        whether after before as once wherever whenever whether how why what lest provided than",
    ),
    (role::COORDINATOR, "and or but nor yet so"),
    (role::FINITE, "is are was were has have had will would can could should may might does did of"),
    (
        role::INTERROGATIVE,
        "what which who whom whose where when why how is are was were do does did can could should would \
        will has have had may",
    ),
    (
        role::CONSTRAINT,
        "must should shall only exactly maximum minimum max min avoid without don't never always ensure \
        limit limited restrict include exclude including excluding required require requires mandatory format formatted \
        strictly precisely within cannot concise brief detailed json csv markdown bulleted numbered tone style \
        audience between",
    ),
    (
        role::CONSTRAINT,
        "at_least at_most no_more no_longer no_fewer no_less more_than less_than fewer_than up_to do_not \
        make_sure bullet_points step_by point_form first_person third_person each_sentence",
    ),
    (
        role::VAGUE,
        "something anything stuff thing things somehow maybe perhaps possibly various several some kind sort \
        etc whatever nice good better interesting basically really very quite fairly",
    ),
    (
        role::ABBREVIATION,
        "mr mrs ms dr prof sr jr st vs etc e.g i.e cf fig no vol inc ltd co corp dept approx est gen col \
        lt sgt rev hon u.s u.k a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec",
    ),
    (
        role::MONTH,
        "january february march april may june july august september october november december jan feb mar apr \
        jun jul aug sep sept oct nov dec",
    ),
    (role::WEEKDAY, "monday tuesday wednesday thursday friday saturday sunday"),
    (
        role::UNIT,
        "km m cm mm nm mi ft kg g mg mcg lb lbs oz l ml dl kb mb gb tb kib mib gib hz khz mhz ghz ms ns us s sec \
        min h hr hrs meter meters metre metres kilometer kilometers kilometre kilometres mile miles foot feet inch inches \
        gram grams kilogram kilograms pound pounds ounce ounces liter liters litre litres second seconds minute minutes \
        hour hours day days week weeks month months year years decade decades century centuries percent dollars dollar \
        euro euros usd eur gbp cent cents degrees degree c f v kv w kw kwh mw n pa kpa j kj cal kcal mol mmol mmhg meq iu \
        rpm mph kph fps px bit bits byte bytes bpm",
    ),
    (
        role::TEXT_UNIT,
        "word words sentence sentences paragraph paragraphs bullet bullets point points item items line \
        lines step steps character characters token tokens page pages example examples option options",
    ),
    (role::YEAR_PREPOSITION, "in since by from until till during before after circa around between early late"),
    (role::INPUT_LABEL, "input q question user problem text prompt sentence context"),
    (role::OUTPUT_LABEL, "output a answer assistant solution response result label completion expected"),
    (role::EXAMPLE, "example examples"),
    (role::EXAMPLE_PHRASE, "for_example for_instance e.g as_follows"),
];

const SOFTWARE: &str = "algorithm algorithms api apis array arrays async authentication authorization backend bash binary \
    boolean browser buffer bug bytecode cache caching callback cli client closure cloud code codebase coding commit compile \
    compiler component concurrency config configuration container cookie cpu css csv database databases dataset datasets \
    debug debugging decorator deploy deployment devops django docker dom encryption endpoint endpoints enum exception excel \
    firewall flask framework frontend function functions git github golang gpu graphql grpc gui hash hashmap heap html http \
    https integer interface ip iterator java javascript json jvm kernel kotlin kubernetes lambda latency latex library \
    linux loop macro malware markdown matlab memory metadata method microservice microservices middleware module mongodb \
    multithreading mutex mysql namespace network node nosql npm oauth object opcode optimization package pandas parameter \
    parameters parser php pipeline pixel pointer postgres postgresql powershell processor programming protocol proxy python \
    query queue ram react recursion recursive redis refactor regex repository rest router ruby runtime rust saas scala \
    schema script sdk server servers shell socket software spreadsheet sql sqlite stack string struct subnet swift syntax \
    tcp terraform thread threads throughput timestamp tls token tuple typescript udp ui unicode unix url usb utf variable \
    variables vba virtualization vpn vue webhook webpack websocket wifi windows xml yaml";
const LEARNING: &str = "accuracy activation anova autoencoder backpropagation bayesian bert bias centroid classification \
    classifier clustering coefficient convolution convolutional correlation covariance dimensionality embedding embeddings \
    entropy epoch feature features gan gaussian gini gpt gradient hyperparameter hyperparameters imputation inference kmeans \
    likelihood llm logistic lstm metric metrics model models nlp normalization numpy outlier outliers overfitting pca \
    perceptron precision prior quantile recall regression regularization reinforcement sampling scikit sgd softmax \
    statistics stochastic svm tensor tensorflow pytorch tokenizer transformer transformers underfitting variance vector vectors";
const SCIENCE: &str = "acceleration acid algebra amplitude atom atoms bacteria calculus catalyst cell cells charge chromosome \
    circuit compound derivative density diffusion dna ecosystem eigenvalue electron electrons element enzyme equation \
    equations equilibrium evaporation evolution exponent force frequency friction galaxy gene genes genetic genome gravity \
    hydrogen hypothesis integral ion ions isotope kinetic logarithm magnetic mass matrix molecule molecules momentum \
    mutation neuron neutron nitrogen nucleus orbit organism osmosis oxidation oxygen particle photon photosynthesis physics \
    planet polymer polynomial potential pressure probability protein proton quantum radiation reaction refraction \
    respiration rna solubility solvent species spectrum temperature theorem thermodynamics torque trajectory velocity \
    voltage wavelength";
const MEDICINE: &str = "abdominal acute anemia antibiotic antibiotics antibody antigen artery asthma benign biopsy carcinoma \
    cardiac chronic clinical diabetes diagnosis disease dosage edema endocrine fever fracture hemoglobin hepatic hormone \
    hypertension immune infection inflammation insulin lesion lymph malignant metastasis pathology patient pneumonia \
    prognosis pulmonary renal serum surgery symptom symptoms syndrome therapy thyroid tumor ulcer vaccine vascular vein \
    virus";
const TECHNICAL_PHRASES: &str = "machine_learning deep_learning neural_network neural_networks data_structure \
    data_structures data_science source_code operating_system unit_test unit_tests web_server command_line open_source \
    object_oriented time_complexity time_series random_forest decision_tree decision_trees linear_regression \
    language_model language_models standard_deviation null_hypothesis binary_search hash_table linked_list \
    version_control blood_pressure heart_rate natural_language artificial_intelligence test_case test_cases data_set \
    regular_expression regular_expressions design_pattern load_balancer rate_limit";
const VERBS: &str = "accept act add adopt adjust advise analyze analyse answer apply argue arrange ask assess assign assume \
    assist begin brainstorm break build calculate categorize change characterize check choose cite clarify classify clean close collect \
    combine come comment compare compile complete compose compute conclude conduct confirm connect consider construct \
    continue contrast convert copy correct count craft create critique debug decide deduce define deliver demonstrate \
    derive describe design detail detect determine develop devise diagnose differentiate discuss display distinguish divide do \
    document don't draft draw edit elaborate eliminate employ enter enumerate estimate evaluate examine execute expand explain \
    explore express extend extract fill filter find finish fix focus follow formulate gather generate get give go group \
    guess guide help highlight identify illustrate implement improve include infer insert inspect install interpret \
    introduce invent justify keep label learn let list locate look make mention model modify move name note observe offer \
    open optimize order organize outline output paraphrase parse perform pick plan play predict prepare present print \
    prioritize produce prompt proofread propose prove provide rank rate read reason recall recommend record reduce refactor \
    refer reformat rephrase remember remove rename reorganize repeat replace reply report represent research respond restate \
    return reverse review revise rewrite run say search select set share show simplify simulate sketch solve sort specify spell \
    split start state stop structure study submit substitute suggest summarize summarise support take talk teach tell test \
    think trace track train transcribe transform translate treat try turn update use validate verify visualize walk work write";

/// Syllables of frequent words that the rules of `syllables.rs` get wrong; pronunciations as in American dictionaries.
pub(super) const SYLLABLES: &[(u8, &str)] = &[
    (1, "aches colleague eyed eyes hmm"),
    (
        2,
        "ageing doesnt didnt isnt wasnt couldnt wouldnt evenings someone spokesman spokesmen aged argue argued argues awesome blessed business cafe cashier chaos chile chloe chocolate chocolates circe \
        daphne evening every fluid fluids frontier fuels genre jesse jukebox junior juniors learned liar lion lions \
        lonesome maybe mrs mustn't naive naked noah phd phoebe poem poems poet poets ragged reuse reused rugged ruin \
        ruined ruins safety senior seniors several shoreline suede theirs vineyard wednesday wholesale wicked zoe",
    ),
    (
        3,
        "businesses cereal cereals spokesperson spokeswoman acreage adobe anyone apache archaic area areas behaviour casual coyote deity element elements everyday \
        everyone everything everywhere forever genuine heroic idea ideals ideas karate korea korean koreans lioness \
        machete moreover mosaic museum museums newlywed nuclear nuclei nucleus oasis parliament patio poetic ratio \
        realizes recipe recipes riverbed savior sesame simile stoic suicide syncope tamale theater theaters theatre \
        theatres usual waterbed",
    ),
    (
        4,
        "coincidence everybody abalone abbruzzese anemone aphrodite apostrophe ariadne calliope catastrophe diabetes epitome european \
        europeans eurydice gethsemane guacamole hermione hyperbole ideally penelope persephone yosemite",
    ),
    (5, "neuroscientist aborigine"),
];
