using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// The bytes of up to four channels x[n, c, spatial…] as one word of 32 bits for each place, [n, 1, spatial…], the first in its lowest byte, with zeros beyond the last: what a
/// first convolution reads of an image, whichever way that lies in memory.
/// </summary>
public sealed record WordsOfBytes : Op, IOp<WordsOfBytes>
{
    /// <summary>The channels in a word.</summary>
    public const long MostChannels = 4;

    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override bool IsOfBytes => true;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(x is { Element: ElementType.UInt8, Rank: >= 3 } && x.Dims[1] is { IsConstant: true, Value: >= 1 and <= MostChannels }, $"{x} has no channels of bytes that fit a word");
        context.Output(ElementType.Int32, [x.Dims[0], IndexExpr.One, .. x.Dims.Skip(2)]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) => [ByteWords.Pack(inputs[0]!, 1)];

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => context.Map(Enumerable.Range(0, (int)context.Inputs[0]!.Dims[1].Value).Select(c =>
    {
        Expr channel = context.Read(0, [context.Index[0], c, .. context.Index.Skip(2)]).To(ElementType.Int32);
        return c == 0 ? channel : new Binary(BinaryOp.ShiftLeft, channel, Const.OfInteger(ElementType.Int32, 8 * c));
    }).Aggregate((a, b) => new Binary(BinaryOp.Or, a, b)));
}
