using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>What composite operators build again and again.</summary>
internal static class GraphArithmetic
{
    extension(GraphBuilder builder)
    {
        /// <summary>A scalar constant.</summary>
        public Value Number(ElementType element, double value) => builder.Constant(Elements.Scalar(element, value));

        /// <summary>A value in another element type; itself if it has that type.</summary>
        public Value Cast(Value value, ElementType element) => value.Type.Element == element ? value : builder.Add(new Cast(element), value);

        /// <summary>A value in the type that arithmetic is done in, so that steps in between do not round to 16 bits.</summary>
        public Value Widen(Value value) => builder.Cast(value, value.Type.Element.Arithmetic());
    }
}
