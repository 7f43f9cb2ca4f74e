using System.Security.Cryptography;
using System.Text;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Text;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// A name for what a computation computes, whatever its nodes are called: equal layers have one, in all models. Family and output shape are in it for people, and a hash
/// over shapes, layouts, epilogue and all else that its text says.
/// </summary>
public static class Signature
{
    /// <summary>The signature: one word.</summary>
    public static string Of(Computation computation)
    {
        string text = ComputationPrinter.Print(computation with { Name = "" });
        string shape = string.Join('x', computation.Outputs[0].Dims.Items.Select(d => d.IsConstant ? d.ToString() : "?"));
        return $"{computation.Family}:{shape}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8))}";
    }
}
