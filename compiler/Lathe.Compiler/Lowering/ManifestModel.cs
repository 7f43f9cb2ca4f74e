using System.Globalization;
using Lathe.Compiler.Operators.Sampling;

namespace Lathe.Compiler.Lowering;

/// <summary>
/// What <c>X.lathe.json</c> says of a compiled model: all that the generator needs for the typed class, and where the kernels are. The form is
/// described in <c>docs/decisions/0002-manifest.md</c>.
/// </summary>
public sealed record ManifestModel
{
    /// <summary>The version of the form; the generator refuses others.</summary>
    public const int Schema = 1;

    /// <summary>The version of Lathe.</summary>
    public required string LatheVersion { get; init; }

    /// <summary>The class with its namespace, such as <c>MyApp.SqueezeNet</c>; see <see cref="IdentifierNames.IsClassName"/>.</summary>
    public required string ClassName { get; init; }

    /// <summary>The name of the kernel assembly, without extension; see <see cref="IdentifierNames.AssemblyName"/>.</summary>
    public required string AssemblyName { get; init; }

    /// <summary>The full name of the kernel assembly's module class; see <see cref="IdentifierNames.ModuleName"/>.</summary>
    public required string ModuleName { get; init; }

    /// <summary>The file of the weights beside the kernel assembly; null where they are in it.</summary>
    public string? WeightsFile { get; init; }

    /// <summary>The model's name, for documentation: the file's name without folder.</summary>
    public required string ModelName { get; init; }

    /// <summary>The arithmetic, such as <c>fp32</c>.</summary>
    public required string Precision { get; init; }

    /// <summary>The device, such as <c>CPU</c>.</summary>
    public required string Device { get; init; }

    /// <summary>The instruction sets that are compiled in, such as <c>avx512</c>.</summary>
    public required IReadOnlyList<string> Isas { get; init; }

    /// <summary>The version of libLLVM that compiled the native kernels; null where there are none.</summary>
    public string? LibLLVM { get; init; }

    /// <summary>The named dims, in the plan's order.</summary>
    public IReadOnlyList<ManifestSymbol> Symbols { get; init; } = [];

    /// <summary>The inputs, in the plan's order.</summary>
    public required IReadOnlyList<ManifestTensor> Inputs { get; init; }

    /// <summary>The outputs, in the plan's order.</summary>
    public required IReadOnlyList<ManifestTensor> Outputs { get; init; }

    /// <summary>The size of a request's arena for the dims' default values.</summary>
    public long ArenaBytes { get; init; }

    /// <summary>The size of the weights.</summary>
    public long WeightBytes { get; init; }

    /// <summary>The SHA-256 of the model and its external data, in lower-case hexadecimal digits.</summary>
    public required string ModelHash { get; init; }

    /// <summary>The SHA-256 of the options' canonical text, in lower-case hexadecimal digits.</summary>
    public required string OptionsHash { get; init; }
}

/// <summary>A named dim.</summary>
/// <param name="Name">The name in the model.</param>
/// <param name="Parameter">The parameter of <c>CreateRequest</c>; see <see cref="IdentifierNames.Parameters"/>.</param>
/// <param name="Min">The smallest value.</param>
/// <param name="Max">The largest value.</param>
/// <param name="Default">The value where none is given.</param>
public sealed record ManifestSymbol(string Name, string Parameter, long Min, long Max, long Default);

/// <summary>An input or output as the caller sees its memory: row-major, without padding.</summary>
/// <param name="Name">The name in the model.</param>
/// <param name="Property">The property of the typed request; see <see cref="IdentifierNames.Properties"/>.</param>
/// <param name="Type">The elements' type by the name that <c>ElementTypes.Name</c> gives.</param>
/// <param name="Dims">The dims, outermost first.</param>
public sealed record ManifestTensor(string Name, string Property, string Type, IReadOnlyList<ManifestDim> Dims)
{
    /// <summary>The meaning of the dims where it is known, such as <c>NCHW</c>.</summary>
    public string? Layout { get; init; }

    /// <summary>The order of the channels where it is known, such as <c>BGR</c>.</summary>
    public string? Channels { get; init; }

    /// <summary>The means per channel that the first kernel subtracts; empty for none.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [];

    /// <summary>The scales per channel that the first kernel divides by; empty for none.</summary>
    public IReadOnlyList<float> Scale { get; init; } = [];

    /// <summary>The dims along which the caller's memory may have strides of its own; empty for none.</summary>
    public IReadOnlyList<int> Strided { get; init; } = [];

    /// <summary>What makes the size that the model sees of images of any size; null for none.</summary>
    public ResizeImage? Resize { get; init; }

    /// <summary>The names of the classes; empty for none.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>What the model says of it, if anything.</summary>
    public string? Doc { get; init; }
}

/// <summary>A dim: a number, or a formula of named dims.</summary>
/// <param name="Value">The number; null where the dim depends on a named dim.</param>
/// <param name="Text">The text: <c>224</c>, <c>N</c> or <c>N * 2 + 1</c>.</param>
public readonly record struct ManifestDim(long? Value, string Text)
{
    /// <summary>A constant dim.</summary>
    public static implicit operator ManifestDim(long value) => new(value, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>A dim that depends on named dims.</summary>
    public static implicit operator ManifestDim(string text) => new(null, text);
}
