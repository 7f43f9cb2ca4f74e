using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>What a name of a program stands for in a function.</summary>
/// <param name="Text">The value, or the place of it on the stack.</param>
/// <param name="IsPlace">True for a place.</param>
internal readonly record struct NamedValue(string Text, bool IsPlace);

/// <summary>What the names of a program stand for where it is printed. Names are distinct in a kernel only where they are visible together.</summary>
internal sealed class PlaceNames
{
    private readonly Dictionary<string, NamedValue> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _indices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Pointer, ElementType Element)> _buffers = new(StringComparer.Ordinal);

    public NamedValue ValueOf(string name) => _values[name];

    public string IndexOf(IndexVar variable) => _indices[variable.Name];

    public (string Pointer, ElementType Element) BufferOf(string name) => _buffers[name];

    public void SetValue(string name, string value) => _values[name] = new NamedValue(value, false);

    public void SetPlace(string name, string place) => _values[name] = new NamedValue(place, true);

    public void SetIndex(string name, string value) => _indices[name] = value;

    public void SetBuffer(string name, string pointer, ElementType element) => _buffers[name] = (pointer, element);
}
