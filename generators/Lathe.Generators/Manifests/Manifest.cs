namespace Lathe.Generators.Manifests;

/// <summary>What the typed class needs of <c>X.lathe.json</c>. All names are identifiers; all other text is data.</summary>
internal sealed record Manifest(
    string LatheVersion,
    string Class,
    string Namespace,
    string Module,
    string Model,
    string Precision,
    string Device,
    EquatableArray<string> Isas,
    EquatableArray<ManifestSymbol> Symbols,
    EquatableArray<ManifestTensor> Inputs,
    EquatableArray<ManifestTensor> Outputs,
    long ArenaBytes,
    long WeightBytes)
{
    /// <summary>The version of the form that is read.</summary>
    public const int Schema = 1;

    /// <summary>The class with its namespace.</summary>
    public string FullName => Namespace.Length == 0 ? Class : $"{Namespace}.{Class}";
}

/// <summary>A named dim and the parameter of <c>CreateRequest</c> for it.</summary>
internal sealed record ManifestSymbol(string Name, string Parameter, long Min, long Max, long Default);

/// <summary>An input or output and the property for it.</summary>
/// <param name="Name">The name in the model.</param>
/// <param name="Property">The property.</param>
/// <param name="Type">The name of the elements' type in manifests.</param>
/// <param name="Element">The elements' type in C#.</param>
/// <param name="Dims">The dims; those that are no numbers depend on named dims.</param>
/// <param name="Layout">What the dims mean; empty if not known.</param>
/// <param name="Channels">The order of the channels; empty if not known.</param>
/// <param name="Mean">The means as text; empty for none.</param>
/// <param name="Scale">The scales as text; empty for none.</param>
/// <param name="Strided">The dims along which bound memory may have strides of its own.</param>
/// <param name="Resize">What makes the size that the model sees of images of any size; null for none.</param>
/// <param name="Labels">The names of the classes; empty for none.</param>
/// <param name="Doc">What the model says of it; empty for nothing.</param>
internal sealed record ManifestTensor(
    string Name,
    string Property,
    string Type,
    string Element,
    EquatableArray<ManifestDim> Dims,
    string Layout,
    string Channels,
    string Mean,
    string Scale,
    EquatableArray<long> Strided,
    ManifestResize? Resize,
    EquatableArray<string> Labels,
    string Doc)
{
    /// <summary>True if a dim depends on named dims.</summary>
    public bool IsDynamic => Dims.Any(dim => dim.Value is null);

    /// <summary>The number of elements; null if it depends on named dims or does not fit a span.</summary>
    public int? Length
    {
        get
        {
            long length = 1;
            foreach (ManifestDim dim in Dims)
            {
                if (dim.Value is not { } value || (value != 0 && length > int.MaxValue / value)) return null;
                length *= value;
            }

            return (int)length;
        }
    }
}

/// <summary>How images become the input: the factory of <c>ImageMap</c>, the dim of the rows, and the size that the model sees.</summary>
internal sealed record ManifestResize(string Factory, bool AlignCorners, int Rows, int Height, int Width);

/// <summary>A dim: a number, or text that speaks of named dims.</summary>
internal sealed record ManifestDim(long? Value, string Text);
