using System.Collections.Immutable;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>What a name stands for.</summary>
internal abstract record Binding;

/// <summary>An index variable.</summary>
internal sealed record IndexBinding(int Slot) : Binding;

/// <summary>A let, a local or a running value. <paramref name="Owner"/> is the innermost concurrent loop that it was made in.</summary>
internal sealed record ValueBinding(VectorType Type, int Slot, bool Mutable, For? Owner) : Binding;

/// <summary>A buffer, allocated memory or a pointer into either.</summary>
internal sealed record BufferBinding(ElementType Element, int Slot, bool Written) : Binding;

/// <summary>The names that are visible at one place of a program; immutable, so that a block's names end with it.</summary>
internal sealed record Scope(ImmutableDictionary<string, Binding> Names, For? Concurrent)
{
    public static Scope Empty { get; } = new(ImmutableDictionary.Create<string, Binding>(StringComparer.Ordinal), null);

    public Scope With(string name, Binding binding) => Names.ContainsKey(name)
        ? throw new InterpreterException($"'{name}' is defined twice")
        : this with { Names = Names.Add(name, binding) };

    public T Find<T>(string name)
        where T : Binding => Names.GetValueOrDefault(name) switch
        {
            null => throw new InterpreterException($"'{name}' is not defined"),
            T found => found,
            Binding other => throw new InterpreterException($"'{name}' is a {Kind(other.GetType())}, where a {Kind(typeof(T))} is wanted"),
        };

    private static string Kind(Type binding) => binding.Name.Replace("Binding", string.Empty, StringComparison.Ordinal).ToLowerInvariant();
}

/// <summary>Hands out the slots of a frame.</summary>
internal sealed class Slots
{
    private int _indices, _floats, _integers, _buffers;

    public IndexBinding Index() => new(_indices++);

    public BufferBinding Buffer(ElementType element, bool written) => new(element, _buffers++, written);

    public ValueBinding Value(VectorType type, bool mutable, For? owner)
    {
        ref int next = ref type.Element.IsFloat() ? ref _floats : ref _integers;
        ValueBinding binding = new(type, next, mutable, owner);
        next += type.Lanes;
        return binding;
    }

    public Frame NewFrame() => new(null)
    {
        Indices = new long[_indices],
        Floats = new double[_floats],
        Integers = new long[_integers],
        FloatsSet = new bool[_floats],
        IntegersSet = new bool[_integers],
        Buffers = new Address[_buffers],
    };
}
