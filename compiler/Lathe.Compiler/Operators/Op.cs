using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators;

/// <summary>How an operator takes part in fusion. Fusion asks this, never the type.</summary>
public enum OpRole
{
    /// <summary>Output element i from input elements i, inputs broadcast.</summary>
    Elementwise,

    /// <summary>Output elements are input elements, elsewhere: reshape, transpose, slice, concat, pad.</summary>
    Movement,

    /// <summary>Sums or other reductions over axes or windows.</summary>
    Reduction,

    /// <summary>Sums of products: convolutions and matrix products.</summary>
    Contraction,

    /// <summary>Several passes over rows: softmax and normalisations.</summary>
    Rows,

    /// <summary>No loop nest: inputs, constants, control flow.</summary>
    Opaque,
}

/// <summary>
/// An operator. Each is one sealed record in one file, whose positional members are its ONNX attributes (PascalCase of the ONNX name, with ONNX's
/// default), followed by shape inference, meaning, fusion role and lowering. Reshaping by a tensor reads that tensor through
/// <see cref="InferContext.Content"/>.
/// </summary>
public abstract record Op
{
    /// <summary>The name in the text form and in messages: the record's name.</summary>
    public string Name => GetType().Name;

    /// <summary>How it takes part in fusion.</summary>
    public abstract OpRole Role { get; }

    /// <summary>Infers the types of the outputs, and their elements where they are known as expressions.</summary>
    /// <exception cref="Diagnostics.DiagnosticException">The inputs do not fit.</exception>
    public abstract void Infer(InferContext context);

    /// <summary>
    /// The meaning: slow and obvious. It is the oracle of every kernel, and what constant folding runs. Arithmetic on floats narrower than
    /// float64 is done in the type that ONNX's reference uses.
    /// </summary>
    /// <param name="inputs">The inputs; null for an absent one.</param>
    /// <param name="outputs">The inferred output types; static, since the inputs are at hand.</param>
    /// <returns>One tensor per output.</returns>
    public abstract TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs);

    /// <summary>
    /// The operator with symbols in its attributes replaced; null leaves one as it is. Operators that hold shapes (Reshape, Slice, Expand, …) hold them
    /// as expressions over the graph's symbols.
    /// </summary>
    public virtual Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this;

    /// <summary>The graphs in it, of control flow.</summary>
    public virtual IReadOnlyList<Graph.Graph> Bodies => [];

    /// <summary>The operator with every graph in it replaced; the operator itself where it has none.</summary>
    public virtual Op MapBodies(Func<Graph.Graph, Graph.Graph> function) => this;

    /// <summary>
    /// True for an input that is read at indices which come from data (<see cref="LowerContext.ReadAt"/>): it has to lie in memory, row-major, and no
    /// other operator can be fused into that read.
    /// </summary>
    public virtual bool ReadsAtData(int input) => false;

    /// <summary>
    /// The axis along which an input of bytes is read four at once, as words (<see cref="LowerContext.ReadWords"/>); null for what is read by elements. The input has to lie in
    /// memory with that axis the fastest, in whole words.
    /// </summary>
    public virtual Index? WordAxis(int input) => null;

    /// <summary>True for what multiplies, sums or packs integers of 8 bits.</summary>
    public virtual bool IsOfBytes => false;

    /// <summary>True for movement that brings together what lies apart in memory; false for what keeps neighbours together, such as a slice.</summary>
    public virtual bool MovesFar => false;

    /// <summary>True for movement that adds elements around those of its first input, each of which it reads once at most.</summary>
    public virtual bool IsBorder => false;

    /// <summary>True for what is computed where it is read, however often: it begins no group that something else could go on.</summary>
    public virtual bool BelongsToReaders => false;

    /// <summary>True for movement after which neighbours in memory are neighbours no more.</summary>
    public virtual bool PartsNeighbours => false;

    /// <summary>True for what gives its first input on in the same memory: its only output is no memory of its own.</summary>
    public virtual bool IsInPlace => false;

    /// <summary>False for what may give other outputs for the same inputs: it is not computed before the model runs.</summary>
    public virtual bool IsDeterministic => true;

    /// <summary>The computation as loop stages, or null for an operator that has none (inputs, constants, control flow).</summary>
    public virtual LoweredOp? Lower(LowerContext context) => null;

    /// <summary>The routine of the runtime that computes it, for what is no static loop nest; null for all others. Its role is then opaque.</summary>
    /// <param name="inputs">The types of the inputs; null for an absent one.</param>
    /// <param name="outputs">The types of the outputs.</param>
    public virtual RoutineUse? Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) => null;

    /// <summary>How many multiply-accumulates it does; 0 for what is no product.</summary>
    public virtual IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => IndexExpr.Zero;
}

/// <summary>A call of a routine of the runtime: its operands are the operator's inputs, then its outputs.</summary>
/// <param name="Name">The routine, one of <see cref="Runtime.Routines.Routine.Names"/>.</param>
/// <param name="Integers">Its integer attributes, as the routine documents them.</param>
/// <param name="Floats">Its other numbers, as the routine documents them.</param>
/// <param name="ScratchBytes">The scratch memory it needs; null for none.</param>
public sealed record RoutineUse(string Name, EquatableArray<long> Integers = default, EquatableArray<double> Floats = default, IndexExpr? ScratchBytes = null);

/// <summary>What the importer and the operator table need to know of an operator before there is one.</summary>
/// <param name="OnnxName">The ONNX operator; null if it is our own.</param>
/// <param name="Domain">The ONNX domain; empty for ai.onnx.</param>
/// <param name="MinInputs">The least number of inputs.</param>
/// <param name="MaxInputs">The greatest number of inputs, <see cref="int.MaxValue"/> for variadic ones.</param>
/// <param name="Outputs">The greatest number of outputs.</param>
public sealed record OpSchema(string? OnnxName, int MinInputs, int MaxInputs, int Outputs = 1, string Domain = "");

/// <summary>The static side of an operator record, through which it enters <see cref="OperatorTable"/>.</summary>
public interface IOp<TSelf>
    where TSelf : Op, IOp<TSelf>
{
    /// <summary>What the importer needs to know.</summary>
    static abstract OpSchema Schema { get; }

    /// <summary>
    /// Makes the operator, or the nodes that it stands for, from an ONNX node. The default reads every positional member from the attribute of its
    /// name; operators whose opsets differ, or that take as attribute what newer opsets take as input, state their own.
    /// </summary>
    static virtual IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) => AttributeReader.ImportPlain<TSelf>(node, builder);
}

/// <summary>
/// An ONNX operator that stands for others of Lathe's: an import and nothing else. A sealed class, of which no object is made.
/// </summary>
public interface IComposite<TSelf>
    where TSelf : IComposite<TSelf>
{
    /// <summary>What the importer needs to know.</summary>
    static abstract OpSchema Schema { get; }

    /// <summary>Makes the nodes that the operator stands for.</summary>
    static abstract IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder);
}
