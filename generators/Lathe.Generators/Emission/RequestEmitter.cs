using Lathe.Generators.Manifests;

namespace Lathe.Generators.Emission;

/// <summary>Writes the request of a typed class: a property for each input and output.</summary>
internal static class RequestEmitter
{
    /// <summary>
    /// Members of the runtime's request that a property of a common name hides. <c>Input</c> and <c>Output</c> hide nothing: what the runtime calls
    /// so has a type parameter.
    /// </summary>
    private static readonly HashSet<string> Inherited = new(StringComparer.Ordinal) { "InputShape", "OutputShape" };

    /// <summary>Writes the nested class.</summary>
    public static void Write(SourceWriter writer, Manifest manifest)
    {
        writer.Lines(
            "/// <summary>",
            "/// One inference at a time: the memory of the inputs, the outputs and the intermediate results. Fill the inputs, run <c>Infer</c>,",
            "/// <c>InferAsync</c>, or <c>StartAsync</c> and <c>Wait</c>, read the outputs, again and again: that allocates no managed memory. What is",
            "/// called while an inference runs throws <see cref=\"global::System.InvalidOperationException\"/> and disturbs nothing.",
            "/// </summary>",
            ModelEmitter.GeneratedCode(manifest));
        writer.Open("public sealed partial class Request : global::Lathe.Runtime.InferRequest");
        writer.Lines(
            "internal Request(global::Lathe.Runtime.CompiledModel model, global::System.Collections.Generic.IReadOnlyDictionary<string, long>? dims)",
            "    : base(model, dims)",
            "{",
            "}");
        for (int i = 0; i < manifest.Inputs.Count; i++) WriteInput(writer, manifest.Inputs[i], i);
        for (int i = 0; i < manifest.Outputs.Count; i++) WriteOutput(writer, manifest.Outputs[i], i);
        writer.Close();
    }

    private static void WriteInput(SourceWriter writer, ManifestTensor input, int index)
    {
        writer.Lines("", $"/// <summary>The input <c>{SourceWriter.Doc(input.Name)}</c>: {Describe(input)}. What the next inference reads.</summary>");
        WriteRemarks(writer, input);
        writer.Lines($"public {New(input.Property)}global::System.Span<{input.Element}> {input.Property} => base.Input<{input.Element}>({index});");
        WriteShape(writer, input, "Input", index);
        WriteMap(writer, input, index);
        string name = SourceWriter.Literal(input.Name);
        writer.Lines(
            "",
            $"/// <summary>Makes inferences read <see cref=\"{input.Property}\"/> from the caller's memory without a copy, until it is bound again or unbound.</summary>",
            "/// <param name=\"pointer\">The first element, aligned to the size of an element. The memory stays valid and unchanged while an inference runs.</param>",
            $"/// <param name=\"strides\">The distance of neighbours along each dim in elements, outermost first; empty for dense memory{Strides(input)}.</param>",
            "/// <exception cref=\"global::System.ArgumentException\">"
            + $"The pointer is null or not aligned, the strides are {(input.Strided.Count > 0 ? "none that the input takes" : "not those of dense memory")}, or an output lies in the same memory.</exception>",
            $"public void Bind{input.Property}(nint pointer, global::System.ReadOnlySpan<long> strides = default) => base.BindInput({name}, pointer, strides);",
            "",
            $"/// <summary>Makes inferences read <see cref=\"{input.Property}\"/> from the caller's memory without a copy, until it is bound again or unbound.</summary>",
            "/// <param name=\"memory\">The elements, as many as the input has, or at least as many as the strides span; pinned meanwhile, and unchanged while an inference runs.</param>",
            "/// <param name=\"strides\">As for a pointer.</param>",
            "/// <exception cref=\"global::System.ArgumentException\">The memory has another length, is not aligned to its elements, the input does not take the strides, or an output lies in it.</exception>",
            $"public void Bind{input.Property}(global::System.ReadOnlyMemory<{input.Element}> memory, global::System.ReadOnlySpan<long> strides = default) => base.BindInput<{input.Element}>({name}, memory, strides);",
            "",
            $"/// <summary>As with memory, which the request then owns: the owner is disposed when <see cref=\"{input.Property}\"/> is bound again or unbound, or with the request.</summary>",
            "/// <param name=\"owner\">The elements, at least as many as the input has or the strides span. Where this throws, it remains the caller's.</param>",
            "/// <param name=\"strides\">As for a pointer.</param>",
            "/// <exception cref=\"global::System.ArgumentException\">As with memory; or the owner is bound already.</exception>",
            $"public void Bind{input.Property}(global::System.Buffers.IMemoryOwner<{input.Element}> owner, global::System.ReadOnlySpan<long> strides = default) => base.BindInput<{input.Element}>({name}, owner, strides);",
            "",
            $"/// <summary>Makes inferences read <see cref=\"{input.Property}\"/> from the request's own memory again.</summary>",
            $"public void Unbind{input.Property}() => base.UnbindInput({name});");
    }

    private static void WriteOutput(SourceWriter writer, ManifestTensor output, int index)
    {
        writer.Lines("", $"/// <summary>The output <c>{SourceWriter.Doc(output.Name)}</c>: {Describe(output)}. As the last inference left it.</summary>");
        WriteRemarks(writer, output);
        writer.Lines($"public {New(output.Property)}global::System.ReadOnlySpan<{output.Element}> {output.Property} => base.Output<{output.Element}>({index});");
        WriteShape(writer, output, "Output", index);
        string name = SourceWriter.Literal(output.Name);
        writer.Lines(
            "",
            $"/// <summary>Makes inferences write <see cref=\"{output.Property}\"/> into the caller's memory without a copy, until it is bound again or unbound.</summary>",
            "/// <param name=\"pointer\">The first element, aligned to the size of an element. The memory stays valid, and nobody else uses it, while an inference runs.</param>",
            "/// <param name=\"bytes\">The size of the memory: at least that of the output.</param>",
            "/// <exception cref=\"global::System.ArgumentException\">The pointer is null or not aligned, the memory is too small, or an input or another output lies in it.</exception>",
            $"public void Bind{output.Property}(nint pointer, long bytes) => base.BindOutput({name}, pointer, bytes);",
            "",
            $"/// <summary>Makes inferences write <see cref=\"{output.Property}\"/> into the caller's memory without a copy, until it is bound again or unbound.</summary>",
            "/// <param name=\"memory\">Where the elements go, row-major: as many as the output has, or, where data determine its shape, as many as there is room for. Pinned meanwhile.</param>",
            "/// <exception cref=\"global::System.ArgumentException\">The memory has another length, is not aligned to its elements, or an input or another output lies in it.</exception>",
            $"public void Bind{output.Property}(global::System.Memory<{output.Element}> memory) => base.BindOutput<{output.Element}>({name}, memory);",
            "",
            $"/// <summary>As with memory, which the request then owns: the owner is disposed when <see cref=\"{output.Property}\"/> is bound again or unbound, or with the request.</summary>",
            "/// <param name=\"owner\">Where the elements go, row-major: at least as many as the output has. Where this throws, it remains the caller's.</param>",
            "/// <exception cref=\"global::System.ArgumentException\">As with memory; or the owner is bound already.</exception>",
            $"public void Bind{output.Property}(global::System.Buffers.IMemoryOwner<{output.Element}> owner) => base.BindOutput<{output.Element}>({name}, owner);",
            "",
            $"/// <summary>Makes inferences write <see cref=\"{output.Property}\"/> into the request's own memory again.</summary>",
            $"public void Unbind{output.Property}() => base.UnbindOutput({name});");
    }

    private static void WriteShape(SourceWriter writer, ManifestTensor tensor, string kind, int index)
    {
        if (!tensor.IsDynamic) return;
        string name = tensor.Property + "Shape";
        writer.Lines(
            "",
            $"/// <summary>The dims of <see cref=\"{tensor.Property}\"/> in this request, outermost first: {ModelEmitter.Shape(tensor)}.</summary>",
            $"public {New(name)}global::System.ReadOnlySpan<long> {name} => base.{kind}Shape({index});");
    }

    private static void WriteMap(SourceWriter writer, ManifestTensor input, int index)
    {
        if (input.Resize is not { } resize) return;
        string from = $"checked((int)base.InputShape({index})[{resize.Rows + 1}]), checked((int)base.InputShape({index})[{resize.Rows}])";
        writer.Lines(
            "",
            $"/// <summary>Where the image lies in the {resize.Width} x {resize.Height} that the model sees, and the way back from its boxes and points to those of the image.</summary>",
            $"public global::Lathe.Runtime.ImageMap {input.Property}Map => global::Lathe.Runtime.ImageMap.{resize.Factory}({from}, {resize.Width}, {resize.Height}{(resize.AlignCorners ? ", alignCorners: true" : "")});");
    }

    private static void WriteRemarks(SourceWriter writer, ManifestTensor tensor)
    {
        List<string> remarks = [];
        if (tensor.Mean.Length + tensor.Scale.Length > 0)
        {
            remarks.Add(
                "The first kernel normalises: the model sees (x - mean) / scale"
                + (tensor.Mean.Length > 0 ? $", mean {SourceWriter.Doc(tensor.Mean)}" : "")
                + (tensor.Scale.Length > 0 ? $", scale {SourceWriter.Doc(tensor.Scale)}" : "")
                + ". Give it the values as they are.");
        }

        if (tensor.Resize is { } resize)
        {
            string what = resize.Factory switch
            {
                "Letterbox" => "lies in the middle of",
                "Crop" => "has its middle cut to",
                _ => "is stretched to",
            };
            remarks.Add($"An image of any size: it {what} the {resize.Width} x {resize.Height} that the model sees, in the first kernel. See <see cref=\"{tensor.Property}Map\"/>.");
        }

        if (tensor.Doc.Length > 0) remarks.Add(SourceWriter.Doc(tensor.Doc));
        if (tensor.Type == "bfloat16") remarks.Add("Each element is the upper half of a 32-bit float.");
        if (remarks.Count > 0) writer.Lines($"/// <remarks>{string.Join(" ", remarks)}</remarks>");
    }

    private static string Describe(ManifestTensor tensor) =>
        $"{tensor.Type}, {ModelEmitter.Shape(tensor)}"
        + (tensor.Layout.Length > 0 ? $", {SourceWriter.Doc(tensor.Layout)}" : "")
        + (tensor.Channels.Length > 0 ? $", channels {SourceWriter.Doc(tensor.Channels)}" : "")
        + Range(tensor)
        + ", row-major";

    /// <summary>The values of an image's elements.</summary>
    private static string Range(ManifestTensor tensor) => (tensor.Layout.Length + tensor.Channels.Length > 0, tensor.Type) switch
    {
        (true, "uint8") => ", 0 to 255",
        (true, "int8") => ", -128 to 127",
        (true, "uint16") => ", 0 to 65535",
        _ => "",
    };

    private static string Strides(ManifestTensor tensor) => tensor.Strided.Count == 0 ? ""
        : $". Along dim{(tensor.Strided.Count > 1 ? "s" : "")} {string.Join(", ", tensor.Strided)} neighbours may lie further apart than in dense memory";

    private static string New(string name) => Inherited.Contains(name) ? "new " : "";
}
