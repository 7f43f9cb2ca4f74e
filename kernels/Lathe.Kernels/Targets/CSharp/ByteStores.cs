using System.Globalization;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>Stores of the lowest bytes of lanes of 32 bits, all, the first of them, or those that a mask lets through.</summary>
internal static class ByteStores
{
    /// <summary>A function by its name.</summary>
    public static string Print(string name, Machine machine) => name switch
    {
        "StoreBytes" => machine.Lanes switch
        {
            16 => "public static void StoreBytes(byte* to, VecI value) => *(Vector128<byte>*)to = Simd.LowestBytes(value);",
            8 => "public static void StoreBytes(byte* to, VecI value) => *(ulong*)to = Simd.LowestBytes(value).AsUInt64().ToScalar();",
            _ => "public static void StoreBytes(byte* to, VecI value) => *(uint*)to = Simd.LowestBytes(value).AsUInt32().ToScalar();",
        },
        "LowestBytes" => machine.Isa switch
        {
            Isa.Avx512 => "public static Vector128<byte> LowestBytes(VecI a) => Avx512F.ConvertToVector128Byte(a);",
            Isa.Avx2 => """
                public static Vector128<byte> LowestBytes(VecI a)
                {
                    VecI bytes = a & Vec.Create(255);
                    Vector128<short> halves = Sse41.PackUnsignedSaturate(bytes.GetLower(), bytes.GetUpper()).AsInt16();
                    return Sse2.PackUnsignedSaturate(halves, halves);
                }
                """,
            _ => """
                public static Vector128<byte> LowestBytes(VecI a)
                {
                    Vector128<ushort> halves = Vec.Narrow(a.AsUInt32(), a.AsUInt32());
                    return Vec.Narrow(halves, halves);
                }
                """,
        },
        "MaskStoreBytes" => $$"""
            public static void MaskStoreBytes(byte* to, VecI mask, VecI value)
            {
                byte* bytes = stackalloc byte[16];
                *(Vector128<byte>*)bytes = Simd.LowestBytes(value);
                for (int i = 0; i < {{machine.Lanes}}; i++)
                    if (mask[i] != 0) to[i] = bytes[i];
            }
            """,
        _ => First(int.Parse(name["StoreFirstBytes".Length..], CultureInfo.InvariantCulture)),
    };

    /// <summary>As few whole parts as there are.</summary>
    private static string First(int count)
    {
        CodeWriter writer = new();
        writer.Open($"public static void StoreFirstBytes{count}(byte* to, VecI value)");
        writer.Line("Vector128<byte> bytes = Simd.LowestBytes(value);");
        int at = 0;
        foreach ((int size, string type, string view) in ((int, string, string)[])[(8, "ulong", "AsUInt64()"), (4, "uint", "AsUInt32()"), (2, "ushort", "AsUInt16()"), (1, "byte", "AsByte()")])
        {
            if (count - at < size) continue;
            writer.Line($"*({type}*)(to + {at}) = bytes.{view}.GetElement({at / size});");
            at += size;
        }

        writer.Close();
        return writer.ToString().TrimEnd('\n');
    }
}
