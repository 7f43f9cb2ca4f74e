using System.Collections;
using System.Reflection;
using Lathe.Compiler.Operators;

namespace Lathe.Compiler.Graph;

/// <summary>How operators read in text: their names, their members and those members' types.</summary>
internal sealed class OpSyntax
{
    private static readonly Dictionary<string, Type> Operators = typeof(Op).Assembly.GetTypes()
        .Where(t => t.IsSubclassOf(typeof(Op)) && !t.IsAbstract)
        .ToDictionary(t => t.Name, StringComparer.Ordinal);

    private readonly ConstructorInfo _constructor;

    private OpSyntax(Type type) => _constructor = AttributeReader.PrimaryConstructor(type);

    /// <summary>The operator of a name, or null.</summary>
    public static OpSyntax? Named(string name) => Operators.TryGetValue(name, out Type? type) ? new OpSyntax(type) : null;

    /// <summary>The type of a member, or null if there is none.</summary>
    public Type? TypeOf(string member) => _constructor.GetParameters().FirstOrDefault(p => p.Name == member)?.ParameterType;

    /// <summary>The operator with given members, the others at their defaults; null if one is missing that has none.</summary>
    public Op? Make(Dictionary<string, object?> members)
    {
        ParameterInfo[] parameters = _constructor.GetParameters();
        object?[] arguments = new object?[parameters.Length];
        for (int i = 0; i < parameters.Length; i++)
        {
            if (members.TryGetValue(parameters[i].Name!, out arguments[i])) continue;
            if (!parameters[i].HasDefaultValue) return null;
            // Null stands for a struct's default, which Invoke makes of it.
            arguments[i] = parameters[i].DefaultValue;
        }

        return (Op)_constructor.Invoke(arguments);
    }

    /// <summary>An equatable array of given items.</summary>
    public static object ArrayOf(Type array, IReadOnlyList<object?> items)
    {
        Type item = array.GenericTypeArguments[0];
        Array typed = Array.CreateInstance(item, items.Count);
        ((IList)items.ToArray()).CopyTo(typed, 0);
        MethodInfo convert = array.GetMethod("op_Implicit", [typed.GetType()])!;
        return convert.Invoke(null, [typed])!;
    }
}
