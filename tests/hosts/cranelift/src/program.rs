//! The program that is compiled: a chain of functions over data objects. Function i reads its own constants, those
//! of its predecessor and of the first function, counts its calls in a writable object, calls a helper of the
//! executable, its predecessor and the first function. The last also calls through a table of addresses, and calls
//! the module compiled before.

use crate::engine;
use crate::engine::trusted;
use crate::options::Options;
use crate::places;
use cranelift_codegen::ir::{types, AbiParam, Function, InstBuilder, Signature, UserFuncName, Value};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::JITModule;
use cranelift_module::{DataDescription, DataId, FuncId, Linkage, Module};

extern "C" fn helper_mix(a: u64, b: u64) -> u64 {
    (a ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17)
}
extern "C" fn helper_near(a: u64, b: u64) -> u64 {
    a.wrapping_add(b).rotate_left(9) ^ 0x5bd1_e995
}

fn constant(seed: u64, i: usize) -> u64 {
    helper_mix(seed + 1, 0x1000 + i as u64)
}

/// Instructions by the number, for functions of more than 128 KiB; each some 20 bytes.
const LARGE_STEPS: u64 = 8000;
fn steps(options: &Options, i: usize) -> u64 {
    // Spread evenly, the last one among them.
    let every = if options.large == 0 { 0 } else { options.functions.div_ceil(options.large) };
    if every != 0 && i % every == every - 1 { LARGE_STEPS } else { 3 + (i % 5) as u64 }
}
fn step(x: u64, n: u64) -> u64 {
    x.wrapping_mul(0x0123_4567_89ab_cdef_u64.wrapping_add(n << 33)).wrapping_add(1)
}

/// What the compiled program computes, computed here.
pub fn expected(options: &Options, seed: u64, x: u64) -> u64 {
    let of_first = |x: u64| {
        let mut a = x.wrapping_add(constant(seed, 0));
        (0..steps(options, 0)).for_each(|n| a = step(a, n));
        a = helper_mix(a, 0);
        if options.near_helpers { helper_near(a, 0) } else { a }
    };
    let mut pending = Vec::new(); // what is added on the way back
    let mut a = x;
    for i in (1..options.functions).rev() {
        a = a.wrapping_add(constant(seed, i)).wrapping_add(constant(seed, i - 1)).wrapping_add(constant(seed, 0));
        (0..steps(options, i)).for_each(|n| a = step(a, n));
        a = helper_mix(a, i as u64);
        if options.near_helpers {
            a = helper_near(a, i as u64);
        }
        pending.push(of_first(a));
    }
    let mut result = of_first(a);
    while let Some(more) = pending.pop() {
        result = result.wrapping_add(more);
    }
    if options.functions > 1 {
        result = result.wrapping_add(of_first(x));
    }
    if seed % options.modules as u64 != 0 {
        result = result.wrapping_add(expected(options, seed - 1, x));
    }
    result
}

pub struct Compiled {
    entry: *const u8,
    counters: Vec<*const u64>,
    _module: std::mem::ManuallyDrop<JITModule>,
}

impl Compiled {
    pub fn call(&self, x: u64) -> u64 {
        unsafe { std::mem::transmute::<*const u8, extern "C" fn(u64) -> u64>(self.entry)(x) }
    }
    /// Each function but the first was called once for each call of the entry.
    pub fn counters_are(&self, calls: u64) -> bool {
        self.counters.iter().skip(1).all(|c| unsafe { **c } == calls)
    }
}

struct Ids {
    functions: Vec<FuncId>,
    constants: Vec<DataId>,
    counters: Vec<DataId>,
    table: DataId,
    mix: FuncId,
    near: FuncId,
    previous: Option<FuncId>,
}

fn signature(module: &JITModule, parameters: usize) -> Signature {
    let mut signature = module.make_signature();
    signature.params.resize(parameters, AbiParam::new(types::I64));
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

fn declare(options: &Options, module: &mut JITModule, previous: bool) -> Ids {
    let (one, two) = (signature(module, 1), signature(module, 2));
    let names = |what: &'static str| (0..options.functions).map(move |i| format!("{what}{i}"));
    // Exported, local and anonymous: all are the module's own.
    let linkage = |i: usize| if i % 2 == 0 { Linkage::Export } else { Linkage::Local };
    let functions =
        names("f").enumerate().map(|(i, n)| module.declare_function(&n, linkage(i), &one).unwrap()).collect();
    let constants =
        names("c").enumerate().map(|(i, n)| module.declare_data(&n, linkage(i), false, false).unwrap()).collect();
    let counters = names("n").map(|_| module.declare_anonymous_data(true, false).unwrap()).collect();
    Ids {
        functions,
        constants,
        counters,
        table: module.declare_data("table", Linkage::Export, true, false).unwrap(),
        mix: module.declare_function("helper_mix", Linkage::Import, &two).unwrap(),
        near: module.declare_function("helper_near", Linkage::Import, &two).unwrap(),
        previous: previous.then(|| module.declare_function("previous", Linkage::Import, &one).unwrap()),
    }
}

/// Instructions of one function.
struct Body<'a> {
    options: &'a Options,
    module: &'a mut JITModule,
    ids: &'a Ids,
    b: FunctionBuilder<'a>,
}

impl Body<'_> {
    fn number(&mut self, n: u64) -> Value {
        self.b.ins().iconst(types::I64, n as i64)
    }
    fn address(&mut self, data: DataId) -> Value {
        let global = self.module.declare_data_in_func(data, self.b.func);
        self.b.ins().symbol_value(types::I64, global)
    }
    fn add_constant(&mut self, a: Value, i: usize) -> Value {
        let at = self.address(self.ids.constants[i]);
        let constant = self.b.ins().load(types::I64, trusted(), at, 0);
        self.b.ins().iadd(a, constant)
    }
    fn call(&mut self, callee: FuncId, arguments: &[Value], colocated: bool) -> Value {
        let callee = self.module.declare_func_in_func(callee, self.b.func);
        if colocated {
            self.b.func.dfg.ext_funcs[callee].colocated = true;
        }
        let call = self.b.ins().call(callee, arguments);
        self.b.inst_results(call)[0]
    }
    fn write(mut self, i: usize) {
        let block = self.b.create_block();
        self.b.append_block_params_for_function_params(block);
        self.b.switch_to_block(block);
        self.b.seal_block(block);
        let x = self.b.block_params(block)[0];
        let counter = self.address(self.ids.counters[i]);
        let count = self.b.ins().load(types::I64, trusted(), counter, 0);
        let one = self.number(1);
        let count = self.b.ins().iadd(count, one);
        self.b.ins().store(trusted(), count, counter, 0);
        let mut a = self.add_constant(x, i);
        if i > 0 {
            a = self.add_constant(a, i - 1);
            a = self.add_constant(a, 0);
        }
        for n in 0..steps(self.options, i) {
            let factor = self.number(0x0123_4567_89ab_cdef_u64.wrapping_add(n << 33));
            a = self.b.ins().imul(a, factor);
            a = self.b.ins().iadd(a, one);
        }
        let number = self.number(i as u64);
        a = self.call(self.ids.mix, &[a, number], false);
        if self.options.near_helpers {
            a = self.call(self.ids.near, &[a, number], true);
        }
        if i > 0 {
            let before = self.call(self.ids.functions[i - 1], &[a], false);
            let first = self.call(self.ids.functions[0], &[a], false);
            a = self.b.ins().iadd(before, first);
        }
        if i > 0 && i + 1 == self.options.functions {
            let table = self.address(self.ids.table);
            let first = self.b.ins().load(types::I64, trusted(), table, 0);
            let signature = signature(self.module, 1);
            let signature = self.b.import_signature(signature);
            let call = self.b.ins().call_indirect(signature, first, &[x]);
            let more = self.b.inst_results(call)[0];
            a = self.b.ins().iadd(a, more);
        }
        if let (Some(previous), true) = (self.ids.previous, i + 1 == self.options.functions) {
            let more = self.call(previous, &[x], false);
            a = self.b.ins().iadd(a, more);
        }
        self.b.ins().return_(&[a]);
        engine::finish(self.b, self.module);
    }
}

fn define_data(options: &Options, module: &mut JITModule, ids: &Ids, seed: u64, i: usize) {
    let size = (options.data << 10).max(8);
    let mut constants = vec![0; size];
    constants[..8].copy_from_slice(&constant(seed, i).to_le_bytes());
    let mut description = DataDescription::new();
    description.set_align(8);
    description.define(constants.into_boxed_slice());
    module.define_data(ids.constants[i], &description).unwrap();
    description = DataDescription::new();
    description.define_zeroinit(size);
    module.define_data(ids.counters[i], &description).unwrap();
}

fn define_function(options: &Options, module: &mut JITModule, ids: &Ids, i: usize) -> usize {
    let mut context = module.make_context();
    context.func =
        Function::with_name_signature(UserFuncName::user(0, ids.functions[i].as_u32()), signature(module, 1));
    let mut frontend = FunctionBuilderContext::new();
    let b = FunctionBuilder::new(&mut context.func, &mut frontend);
    Body { options, module, ids, b }.write(i);
    if options.code > 0 && i % options.every == options.every - 1 {
        engine::define_padded(module, ids.functions[i], &mut context, options.code << 10)
    } else {
        engine::define(module, ids.functions[i], &mut context)
    }
}

pub fn compile(options: &Options, seed: u64, previous: Option<&Compiled>) -> Compiled {
    let mut symbols = vec![
        ("helper_mix".to_string(), helper_mix as *const u8),
        ("helper_near".to_string(), helper_near as *const u8),
    ];
    symbols.extend(previous.map(|p| ("previous".to_string(), p.entry)));
    let mut module = engine::new_module(options, &symbols);
    let ids = declare(options, &mut module, previous.is_some());
    let mut sizes = Vec::new();
    for i in 0..options.functions {
        define_data(options, &mut module, &ids, seed, i);
        sizes.push(define_function(options, &mut module, &ids, i));
        if i + 1 == options.far_after {
            places::make_the_rest_far();
        }
    }
    let mut description = DataDescription::new();
    description.define_zeroinit(8);
    let first = module.declare_func_in_data(ids.functions[0], &mut description);
    description.write_function_addr(0, first);
    module.define_data(ids.table, &description).unwrap();
    module.finalize_definitions().unwrap();
    for (id, size) in ids.functions.iter().zip(&sizes) {
        places::say("code", module.get_finalized_function(*id), *size);
    }
    for id in ids.constants.iter().chain(&ids.counters).chain([&ids.table]) {
        let (at, size) = module.get_finalized_data(*id);
        places::say("data", at, size);
    }
    Compiled {
        entry: module.get_finalized_function(*ids.functions.last().unwrap()),
        counters: ids.counters.iter().map(|id| module.get_finalized_data(*id).0.cast()).collect(),
        _module: std::mem::ManuallyDrop::new(module),
    }
}
