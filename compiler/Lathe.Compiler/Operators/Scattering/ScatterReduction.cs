using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Scattering;

/// <summary>What becomes of an element that an update meets: ONNX's attribute reduction.</summary>
internal static class ScatterReduction
{
    private static readonly string[] Names = ["none", "add", "mul", "min", "max"];

    /// <summary>The number of a reduction, by which routines know it; negative if there is none of the name.</summary>
    public static int Number(string name) => Array.IndexOf(Names, name);

    /// <summary>Fails unless there is such a reduction and it takes the elements.</summary>
    public static void Check(InferContext context, string reduction, ElementType element)
    {
        context.Require(Number(reduction) >= 0, $"reduction '{reduction}' is unknown");
        context.Require(element != ElementType.String, "it does not take strings");
    }

    /// <summary>Lets an update meet an element. Floats are combined in float64 and rounded each time; a NaN stays one.</summary>
    public static void Apply(string reduction, TensorData updates, int update, TensorData y, int at)
    {
        if (reduction == "none") Elements.CopyElement(updates, update, y, at);
        else if (y.Element.IsFloat()) y.SetDouble(at, Combine(y.GetDouble(at), updates.GetDouble(update)));
        else y.SetInteger(at, CombineIntegers(y.GetInteger(at), updates.GetInteger(update)));

        double Combine(double a, double b) => reduction switch { "add" => a + b, "mul" => a * b, "min" => Math.Min(a, b), _ => Math.Max(a, b) };

        Int128 CombineIntegers(Int128 a, Int128 b) => reduction switch { "add" => a + b, "mul" => a * b, "min" => Int128.Min(a, b), _ => Int128.Max(a, b) };
    }

    /// <summary>An index from data as a place inside an axis.</summary>
    /// <exception cref="ArgumentException">It is outside.</exception>
    public static long Place(long index, long dim) =>
        index >= -dim && index < dim ? (index < 0 ? index + dim : index) : throw new ArgumentException($"Index {index} is outside an axis of {dim}.");
}
