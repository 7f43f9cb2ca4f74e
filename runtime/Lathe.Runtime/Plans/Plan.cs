namespace Lathe.Runtime.Plans;

/// <summary>The instruction set a kernel variant is written for.</summary>
public enum Isa
{
    /// <summary>128-bit vectors, on every platform.</summary>
    Vector128 = 0,

    /// <summary>x86 AVX2 and FMA, 256-bit vectors.</summary>
    Avx2 = 1,

    /// <summary>x86 AVX-512 F, BW, CD, DQ and VL, 512-bit vectors.</summary>
    Avx512 = 2,
}

/// <summary>Where a buffer lives.</summary>
public enum BufferKind
{
    /// <summary>The memory of the input whose number is <see cref="PlanBuffer.Index"/>.</summary>
    Input,

    /// <summary>The memory of the output whose number is <see cref="PlanBuffer.Index"/>.</summary>
    Output,

    /// <summary>A part of the request's arena.</summary>
    Arena,

    /// <summary>A part of the model's weights; read only.</summary>
    Weights,

    /// <summary>A part of what is computed of the weights when the model is loaded; written by <see cref="Plan.Preparation"/> only.</summary>
    Prepared,
}

/// <summary>
/// What one inference does, as data: ordered steps over buffers. Made by the compiler, stored beside the kernels, executed by the runtime.
/// Immutable.
/// </summary>
/// <param name="Model">The model's name, for messages.</param>
/// <param name="Symbols">The named dims; every <see cref="SizeExpression"/> of the plan speaks of them by number.</param>
/// <param name="Inputs">The model's inputs in graph order.</param>
/// <param name="Outputs">The model's outputs in graph order.</param>
/// <param name="Buffers">The buffers that steps name by number.</param>
/// <param name="Kernels">The kernels that steps name by number.</param>
/// <param name="Steps">The steps in order.</param>
/// <param name="ArenaBytes">The size of a request's arena.</param>
/// <param name="WeightBytes">The size of the weights.</param>
public sealed record Plan(
    string Model,
    IReadOnlyList<PlanSymbol> Symbols,
    IReadOnlyList<PlanTensor> Inputs,
    IReadOnlyList<PlanTensor> Outputs,
    IReadOnlyList<PlanBuffer> Buffers,
    IReadOnlyList<PlanKernel> Kernels,
    IReadOnlyList<PlanStep> Steps,
    SizeExpression ArenaBytes,
    long WeightBytes)
{
    /// <summary>The version of this form and of the kernel ABI; the runtime refuses others.</summary>
    public const int Version = 8;

    /// <summary>True for a model that computes with denormal numbers where the user who loads it does not say.</summary>
    public bool KeepsDenormals { get; init; }

    /// <summary>What the model was compiled for: <c>CPU</c>, one device that <see cref="CompiledModule.OpenDevice"/> opens, or several, such as <c>HETERO:GPU,CPU</c>.</summary>
    public string Device { get; init; } = "CPU";

    /// <summary>The devices beside the CPU that steps run on; the k-th of them, counted from 1, is device k. Empty where the CPU, or one device, runs all of them.</summary>
    public IReadOnlyList<PlanAccelerator> Accelerators { get; init; } = [];

    /// <summary>True if the CPU can run every step, so that it may stand in for an accelerator that is missing or fails.</summary>
    public bool CarriesFallback { get; init; } = true;

    /// <summary>True for a model that does not run without its accelerators where the user who loads it does not say.</summary>
    public bool RequiresDevice { get; init; }

    /// <summary>True if one device other than the CPU runs all steps.</summary>
    public bool IsForOneDevice => Accelerators.Count == 0 && Device != "CPU" && !Device.StartsWith("HETERO", StringComparison.Ordinal);

    /// <summary>True for a model that was compiled to run native kernels; what runs otherwise is a fallback.</summary>
    public bool PrefersNative { get; init; }

    /// <summary>The native code that the kernel assembly carries, one for an instruction set.</summary>
    public IReadOnlyList<PlanNativeCode> NativeCode { get; init; } = [];

    /// <summary>What is computed once when the model is loaded: calls of kernels that read weights and write what is prepared of them.</summary>
    public IReadOnlyList<KernelStep> Preparation { get; init; } = [];

    /// <summary>The bytes of what <see cref="Preparation"/> computes.</summary>
    public long PreparedBytes { get; init; }

    /// <summary>The numbers of the kernels that steps of the k-th accelerator call, in ascending order.</summary>
    public IEnumerable<int> KernelsOn(int device) => new SortedSet<int>(Steps.OfType<KernelStep>().Where(step => step.Device == device).Select(step => step.Kernel));

    /// <summary>The alignment of arenas, weights and of every buffer in them, in bytes.</summary>
    public const int Alignment = 64;
}

/// <summary>A named dim with the range that the model was compiled for, and the value it has where none is given.</summary>
/// <param name="Name">The name.</param>
/// <param name="Min">The least value.</param>
/// <param name="Max">The greatest value.</param>
/// <param name="Default">The value where none is given; of a computed dim, before the first inference.</param>
/// <param name="IsComputed">True if a step computes it from data, or counts with it; it then cannot be given. Computed dims come after all others.</param>
public sealed record PlanSymbol(string Name, long Min, long Max, long Default, bool IsComputed = false);

/// <summary>An input or output: row-major, without padding unless strides are given, at the start of its buffer.</summary>
public sealed record PlanTensor(string Name, ElementType Type, IReadOnlyList<SizeExpression> Dims, int Buffer)
{
    /// <summary>
    /// For each dim the number of the symbol that is its stride in elements, -1 where the stride is that of dense memory; empty where all are. The symbols count
    /// as computed: they get their values with the memory.
    /// </summary>
    public IReadOnlyList<int> Strides { get; init; } = [];

    /// <summary>In words, what was compiled in between the application's images and the model's input: format, mean, scale, resizing. Empty for none.</summary>
    public string Preprocessing { get; init; } = "";

    /// <summary>The names of an output's classes; empty for none.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];
}

/// <summary>A piece of memory.</summary>
/// <param name="Kind">Where it lives.</param>
/// <param name="Index">The input's or output's number; 0 otherwise.</param>
/// <param name="Offset">Bytes from the start of the arena, of the weights or of what is prepared of them; 0 otherwise.</param>
/// <param name="Bytes">Its size.</param>
public sealed record PlanBuffer(BufferKind Kind, int Index, SizeExpression Offset, SizeExpression Bytes)
{
    /// <summary>Whose arena it is a part of: 0 for the host's, k for that of the k-th accelerator. Weights are in the memory of every device, all else in the host's.</summary>
    public int Device { get; init; }
}

/// <summary>A device beside the CPU that runs some steps of a plan.</summary>
/// <param name="Device">Its name for <see cref="CompiledModule.OpenDevice"/>, such as <c>GPU</c>.</param>
/// <param name="ArenaBytes">The size of a request's arena in its memory. It does not depend on computed dims.</param>
public sealed record PlanAccelerator(string Device, SizeExpression ArenaBytes);

/// <summary>A kernel, with a variant for each instruction set that was compiled in.</summary>
public sealed record PlanKernel(string Name, IReadOnlyList<PlanVariant> Variants);

/// <summary>One variant of a kernel.</summary>
/// <param name="Isa">What it needs.</param>
/// <param name="Function">Its number in <see cref="CompiledModule.GetFunction"/>.</param>
/// <param name="ScratchBytes">The scratch memory that each thread gives it. Its dims are those passed to the kernel, not the plan's symbols.</param>
/// <param name="Extent">The length of its parallel axis. Its dims are those passed to the kernel, not the plan's symbols.</param>
public sealed record PlanVariant(Isa Isa, int Function, SizeExpression ScratchBytes, SizeExpression Extent)
{
    /// <summary>Where it starts in the native code of its instruction set; -1 if it is not in it.</summary>
    public int NativeEntry { get; init; } = -1;

    /// <summary>True if its form in .NET's own code is slower than that for shorter vectors: .NET has dot products of bytes for up to 256 bits.</summary>
    public bool NarrowIsFaster { get; init; }

    /// <summary>Where it starts there in a form for processors with instructions for dot products of bytes; -1 if there is none.</summary>
    public int VnniEntry { get; init; } = -1;
}

/// <summary>
/// Machine code of kernels for the calling convention of System V on x86-64, which runs wherever it is mapped: <see cref="CompiledModule.OpenNativeCode"/>.
/// </summary>
/// <param name="Isa">What it needs.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Hash">Its SHA-256 in lower-case hexadecimal digits.</param>
/// <param name="Imports">Where the tables are that are filled with the addresses of <see cref="Native.MathFunctions"/> when it is mapped.</param>
public sealed record PlanNativeCode(Isa Isa, int Bytes, string Hash, IReadOnlyList<int> Imports);

/// <summary>One step of a plan.</summary>
/// <param name="Node">The name of the model's node (or of the last node of a fused group), for messages and counters.</param>
/// <param name="Op">The operators the step computes, joined with '+', such as <c>Conv+Relu</c>.</param>
public abstract record PlanStep(string Node, string Op)
{
    /// <summary>The number of the subgraph that it belongs to, from 1; 0 where there are none.</summary>
    public int Subgraph { get; init; }
}

/// <summary>A call of a kernel.</summary>
/// <param name="Node">See <see cref="PlanStep"/>.</param>
/// <param name="Op">See <see cref="PlanStep"/>.</param>
/// <param name="Kernel">The kernel's number.</param>
/// <param name="Buffers">The numbers of the buffers it is given, in its order.</param>
/// <param name="Dims">The dims it is given, in its order.</param>
/// <param name="Precision">The arithmetic it uses, such as <c>fp32</c>.</param>
/// <param name="Layout">The layout it writes, as text.</param>
/// <param name="Macs">How many multiply-accumulates it does.</param>
/// <param name="Traffic">How many bytes it reads and writes at least.</param>
public sealed record KernelStep(
    string Node,
    string Op,
    int Kernel,
    IReadOnlyList<int> Buffers,
    IReadOnlyList<SizeExpression> Dims,
    string Precision,
    string Layout,
    SizeExpression Macs,
    SizeExpression Traffic) : PlanStep(Node, Op)
{
    /// <summary>What runs it: 0 for the CPU, k for the k-th of <see cref="Plan.Accelerators"/>.</summary>
    public int Device { get; init; }
}

/// <summary>Copies between the host's memory and an accelerator's, of which one of both buffers is a part. It is done in the order of the accelerator's steps.</summary>
/// <param name="Node">See <see cref="PlanStep"/>.</param>
/// <param name="Op">See <see cref="PlanStep"/>; <c>Transfer</c>.</param>
/// <param name="From">The number of the buffer that is read.</param>
/// <param name="To">The number of the buffer that is written.</param>
/// <param name="Bytes">How many bytes are copied, from the start of one buffer to the start of the other.</param>
public sealed record TransferStep(string Node, string Op, int From, int To, SizeExpression Bytes) : PlanStep(Node, Op);

/// <summary>Runs one of two lists of steps. Both write the same buffers.</summary>
/// <param name="Node">See <see cref="PlanStep"/>.</param>
/// <param name="Op">See <see cref="PlanStep"/>.</param>
/// <param name="Condition">The number of a buffer of one bool.</param>
/// <param name="Then">What is done where it is true.</param>
/// <param name="Else">What is done where it is false.</param>
public sealed record IfStep(string Node, string Op, int Condition, IReadOnlyList<PlanStep> Then, IReadOnlyList<PlanStep> Else)
    : PlanStep(Node, Op);

/// <summary>
/// Reads computed dims from data: element i of a buffer becomes the value of the i-th dim. Everything that depends on them is sized anew before the next
/// step.
/// </summary>
/// <param name="Node">See <see cref="PlanStep"/>.</param>
/// <param name="Op">See <see cref="PlanStep"/>.</param>
/// <param name="Buffer">The number of the buffer.</param>
/// <param name="Type">Its element type, an integer.</param>
/// <param name="Symbols">The numbers of the dims.</param>
/// <param name="Checks">What has to be at least 0 for these dims.</param>
public sealed record MeasureStep(string Node, string Op, int Buffer, ElementType Type, IReadOnlyList<int> Symbols, IReadOnlyList<SizeExpression> Checks)
    : PlanStep(Node, Op);

/// <summary>Runs steps several times, with a computed dim that counts from 0.</summary>
/// <param name="Node">See <see cref="PlanStep"/>.</param>
/// <param name="Op">See <see cref="PlanStep"/>.</param>
/// <param name="Symbol">The number of the dim that counts.</param>
/// <param name="Count">How often.</param>
/// <param name="Carries">What goes from one iteration to the next.</param>
/// <param name="Body">The steps.</param>
public sealed record LoopStep(string Node, string Op, int Symbol, SizeExpression Count, IReadOnlyList<LoopCarry> Carries, IReadOnlyList<PlanStep> Body)
    : PlanStep(Node, Op);

/// <summary>A value that an iteration takes from the one before.</summary>
/// <param name="Initial">The buffer that the first iteration takes it from.</param>
/// <param name="State">The buffer that every iteration reads it in; after the loop it holds the last value.</param>
/// <param name="Next">The buffer that an iteration leaves it in.</param>
public sealed record LoopCarry(int Initial, int State, int Next);

/// <summary>Calls a routine of the runtime: what is no static nest of loops.</summary>
/// <param name="Node">See <see cref="PlanStep"/>.</param>
/// <param name="Op">See <see cref="PlanStep"/>.</param>
/// <param name="Routine">Its name.</param>
/// <param name="Operands">The tensors it reads, then those it writes.</param>
/// <param name="Integers">Its integer attributes, as the routine documents them.</param>
/// <param name="Floats">Its other numbers, as the routine documents them.</param>
/// <param name="ScratchBytes">The scratch memory it needs.</param>
public sealed record RoutineStep(
    string Node,
    string Op,
    string Routine,
    IReadOnlyList<PlanOperand> Operands,
    IReadOnlyList<long> Integers,
    IReadOnlyList<double> Floats,
    SizeExpression ScratchBytes) : PlanStep(Node, Op);

/// <summary>A row-major tensor that a routine reads or writes.</summary>
/// <param name="Buffer">The buffer's number; -1 for an optional operand that is absent.</param>
/// <param name="Type">The element type.</param>
/// <param name="Dims">The dims, outermost first.</param>
public sealed record PlanOperand(int Buffer, ElementType Type, IReadOnlyList<SizeExpression> Dims);
