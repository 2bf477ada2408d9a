//! What differs between the versions of cranelift-jit.

use crate::options::Options;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::Context;
use cranelift_frontend::FunctionBuilder;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Module};

/// An empty module that knows these symbols, made as cranelift-jit's own example makes it.
pub fn new_module(options: &Options, symbols: &[(String, *const u8)]) -> JITModule {
    let mut flags = settings::builder();
    flags.set("use_colocated_libcalls", "false").unwrap();
    flags.set("is_pic", if options.pic { "true" } else { "false" }).unwrap();
    flags.set("opt_level", "none").unwrap();
    let isa = cranelift_native::builder().unwrap().finish(settings::Flags::new(flags)).unwrap();
    let mut builder = JITBuilder::with_isa(isa, cranelift_module::default_libcall_names());
    for (name, at) in symbols {
        builder.symbol(name.as_str(), *at);
    }
    if options.arena > 0 {
        use_arena(&mut builder, options.arena << 20);
    }
    JITModule::new(builder)
}

#[cfg(not(feature = "since_0_120"))]
fn use_arena(_: &mut JITBuilder, _: usize) {
    panic!("this version has no ArenaMemoryProvider");
}

#[cfg(feature = "since_0_120")]
fn use_arena(builder: &mut JITBuilder, size: usize) {
    builder.memory_provider(Box::new(cranelift_jit::ArenaMemoryProvider::new_with_size(size).unwrap()));
}

/// Defines a compiled function with bytes behind its code, as a precompiled one is defined. Returns its size.
pub fn define_padded(module: &mut JITModule, id: FuncId, context: &mut Context, size: usize) -> usize {
    context.compile(module.isa(), &mut Default::default()).unwrap();
    let compiled = context.compiled_code().unwrap();
    let mut bytes = compiled.code_buffer().to_vec();
    bytes.resize(size.max(bytes.len()), 0);
    let relocations = compiled.buffer.relocs();
    #[cfg(not(feature = "since_0_120"))]
    module.define_function_bytes(id, &context.func, 64, &bytes, relocations).unwrap();
    #[cfg(feature = "since_0_120")]
    {
        let relocations: Vec<_> =
            relocations.iter().map(|r| cranelift_module::ModuleReloc::from_mach_reloc(r, &context.func, id)).collect();
        module.define_function_bytes(id, 64, &bytes, &relocations).unwrap();
    }
    bytes.len()
}

/// Defines a compiled function. Returns its size.
pub fn define(module: &mut JITModule, id: FuncId, context: &mut Context) -> usize {
    module.define_function(id, context).unwrap();
    context.compiled_code().unwrap().code_buffer().len()
}

#[cfg(not(feature = "since_0_135"))]
pub fn trusted() -> cranelift_codegen::ir::MemFlags {
    cranelift_codegen::ir::MemFlags::trusted()
}
#[cfg(feature = "since_0_135")]
pub fn trusted() -> cranelift_codegen::ir::MemFlagsData {
    cranelift_codegen::ir::MemFlagsData::trusted()
}

pub fn finish(builder: FunctionBuilder, _module: &JITModule) {
    #[cfg(not(feature = "since_0_135"))]
    builder.finalize();
    #[cfg(feature = "since_0_135")]
    builder.finalize(_module.target_config());
}
